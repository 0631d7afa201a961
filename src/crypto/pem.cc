#include "crypto/pem.h"

#include <openssl/pem.h>

#include "crypto/openssl_handles.h"

namespace avouch::crypto {
namespace {

constexpr std::size_t kMaxText = 32 * 1024 * 1024;

struct OpensslString {
  char* text = nullptr;
  OpensslString() = default;
  OpensslString(const OpensslString&) = delete;
  OpensslString& operator=(const OpensslString&) = delete;
  ~OpensslString() { OPENSSL_free(text); }
};

struct OpensslBuffer {
  unsigned char* data = nullptr;
  long size = 0;
  OpensslBuffer() = default;
  OpensslBuffer(const OpensslBuffer&) = delete;
  OpensslBuffer& operator=(const OpensslBuffer&) = delete;
  ~OpensslBuffer() { OPENSSL_clear_free(data, static_cast<std::size_t>(size)); }
};

std::size_t count_beginnings(std::string_view text) {
  constexpr std::string_view kBegin = "-----BEGIN";
  std::size_t count = 0;
  for (std::size_t at = text.find(kBegin); at != std::string_view::npos;
       at = text.find(kBegin, at + kBegin.size())) {
    ++count;
  }
  return count;
}

Error bad_block(std::string_view what, std::size_t number, const std::string& why) {
  return rejected(std::string(what) + ": PEM block " + std::to_string(number) + ": " + why);
}

}  // namespace

Result<std::vector<PemBlock>> read_pem(std::string_view text, std::size_t max_blocks,
                                       std::string_view what) {
  if (text.size() > kMaxText) {
    return rejected(std::string(what) + ": PEM text of " + std::to_string(text.size()) +
                    " bytes, at most " + std::to_string(kMaxText) + " are accepted");
  }
  const std::size_t count = count_beginnings(text);
  if (count == 0) {
    return rejected(std::string(what) + ": no PEM block found, expected \"-----BEGIN ...\"");
  }
  if (count > max_blocks) {
    return rejected(std::string(what) + ": " + std::to_string(count) + " PEM blocks, at most " +
                    std::to_string(max_blocks) + " are accepted");
  }
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  ensure(bio != nullptr, "BIO_new_mem_buf");
  std::vector<PemBlock> blocks;
  while (blocks.size() < count) {
    OpensslString name;
    OpensslString header;
    OpensslBuffer der;
    ERR_clear_error();
    if (PEM_read_bio(bio.get(), &name.text, &header.text, &der.data, &der.size) != 1) {
      return bad_block(what, blocks.size() + 1, "not readable: " + take_openssl_reason());
    }
    if (header.text[0] != '\0') {
      return bad_block(what, blocks.size() + 1,
                       "has headers (is it encrypted?): expected a plain block");
    }
    blocks.push_back({name.text, Bytes(der.data, der.data + der.size)});
  }
  return blocks;
}

Result<Bytes> read_one_pem(std::string_view text, std::string_view label, std::string_view what) {
  AVOUCH_TRY(std::vector<PemBlock> blocks, read_pem(text, 1, what));
  PemBlock& block = blocks.front();
  if (block.label != label) {
    OPENSSL_cleanse(block.der.data(), block.der.size());
    return rejected(std::string(what) + ": found \"BEGIN " + block.label.substr(0, 40) +
                    "\", expected \"BEGIN " + std::string(label) + "\"");
  }
  return std::move(block.der);
}

std::string write_pem(const char* label, ByteView der) {
  const BioPtr bio(BIO_new(BIO_s_secmem()));
  ensure(bio != nullptr &&
             PEM_write_bio(bio.get(), label, "", der.data(), static_cast<long>(der.size())) > 0,
         "PEM_write_bio");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace avouch::crypto
