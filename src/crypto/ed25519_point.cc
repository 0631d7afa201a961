#include "crypto/ed25519_point.h"

#include <algorithm>

#include "crypto/openssl_handles.h"

namespace avouch::crypto {
namespace {

BignumPtr number(const char* hexadecimal) {
  BIGNUM* made = nullptr;
  ensure(BN_hex2bn(&made, hexadecimal) > 0, "BN_hex2bn");
  return BignumPtr(made);
}

struct Curve {
  BignumPtr p = number("7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFED");
  BignumPtr d = number("52036CEE2B6FFE738CC740797779E89800700A4D4141D8AB75EB4DCA135978A3");
  // The y of the points of order 8 is this one or its negative.
  BignumPtr y8 = number("7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7");
};

// x^2 = (y^2 - 1) / (d y^2 + 1) has a root if numerator times denominator is a square.
bool has_x(const BIGNUM* y, const Curve& curve, BN_CTX* context) {
  const BignumPtr square(BN_new());
  const BignumPtr numerator(BN_new());
  const BignumPtr denominator(BN_new());
  const BIGNUM* p = curve.p.get();
  ensure(square && numerator && denominator, "BN_new");
  ensure(BN_mod_sqr(square.get(), y, p, context) == 1 &&
             BN_mod_sub(numerator.get(), square.get(), BN_value_one(), p, context) == 1 &&
             BN_mod_mul(denominator.get(), square.get(), curve.d.get(), p, context) == 1 &&
             BN_mod_add(denominator.get(), denominator.get(), BN_value_one(), p, context) == 1 &&
             BN_mod_mul(numerator.get(), numerator.get(), denominator.get(), p, context) == 1,
         "bignum arithmetic");
  const int symbol = BN_kronecker(numerator.get(), p, context);
  ensure(symbol >= -1, "BN_kronecker");
  return symbol >= 0;
}

// y is 0 (order 4), 1, -1 (orders 1 and 2), or +-y8.
bool has_low_order(const BIGNUM* y, const Curve& curve) {
  const BignumPtr negative(BN_new());
  ensure(negative != nullptr && BN_sub(negative.get(), curve.p.get(), y) == 1, "BN_sub");
  return BN_is_zero(y) || BN_is_one(y) || BN_is_one(negative.get()) ||
         BN_cmp(y, curve.y8.get()) == 0 || BN_cmp(negative.get(), curve.y8.get()) == 0;
}

}  // namespace

Result<void> check_ed25519_point(ByteView raw32) {
  static const Curve curve;
  if (raw32.size() != 32) {
    return rejected("Ed25519 public key has " + std::to_string(raw32.size()) +
                    " bytes, expected 32");
  }
  Bytes little_endian(raw32.begin(), raw32.end());
  little_endian.back() &= 0x7f;  // the top bit is the sign of x
  const BignumPtr y(BN_lebin2bn(little_endian.data(), 32, nullptr));
  const BignumCtxPtr context(BN_CTX_new());
  ensure(y != nullptr && context != nullptr, "BN_lebin2bn");
  if (BN_cmp(y.get(), curve.p.get()) >= 0) {
    return rejected("Ed25519 public key is not canonical: y is not below 2^255 - 19");
  }
  if (has_low_order(y.get(), curve)) {
    return rejected("Ed25519 public key is a point of low order: anyone can sign for it");
  }
  if (!has_x(y.get(), curve, context.get())) {
    return rejected("Ed25519 public key is not a point on the curve");
  }
  return {};
}

}  // namespace avouch::crypto
