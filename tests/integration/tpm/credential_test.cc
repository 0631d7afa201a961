// MakeCredential and quote verification against a software TPM that this test starts, driven by
// tpm2-tools: neither the TPM nor the tools have code of ours.

#include "tpm/credential.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "attest/enrolment.h"
#include "attest/quote.h"
#include "tests/support/corpus.h"
#include "tests/support/swtpm.h"
#include "tpm/ek_template.h"
#include "tpm/marshal.h"

namespace avouch {
namespace {

using crypto::HashAlgorithm;
using testing::must_value;

struct EkKind {
  const char* name;
  const char* tool_option;
  tpm::EkTemplate key;
  std::size_t unique_bytes;  // at the end of the public area
};

constexpr EkKind kKinds[] = {{"RSA-2048", "rsa", tpm::EkTemplate::kRsa2048, 256},
                             {"P-256", "ecc", tpm::EkTemplate::kEccP256, 68},
                             {"P-384", "ecc384", tpm::EkTemplate::kEccP384, 100}};

class OnSoftwareTpm : public ::testing::Test {
 protected:
  OnSoftwareTpm() {
    std::string pattern = (std::filesystem::temp_directory_path() / "avouch-tpm-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    dir_ = pattern;
  }
  ~OnSoftwareTpm() override {
    std::error_code ignored;
    std::filesystem::remove_all(dir_, ignored);
  }

  std::string path(const std::string& name) const { return dir_ + "/" + name; }
  Bytes read(const std::string& name) const {
    const auto bytes = testing::read_file(path(name));
    testing::must(bytes.has_value(), "no file " + name);
    return *bytes;
  }
  void write(const std::string& name, const Bytes& bytes) const {
    std::ofstream(path(name), std::ios::binary) << as_text(bytes);
  }
  void run(const std::string& command) {
    tpm_.tool(command);
    tpm_.tool("tpm2_flushcontext -t");
  }

  void make_ek(const char* kind) {
    run("tpm2_createek -G " + std::string(kind) + " -c " + path("ek.ctx") + " -u " +
        path("ek.pub"));
  }
  void make_ak(const std::string& kind = "-G ecc256 -g sha256 -s ecdsa") {
    run("tpm2_createak -C " + path("ek.ctx") + " -c " + path("ak.ctx") + " " + kind + " -u " +
        path("ak.pub") + " -n " + path("ak.name"));
  }

  // What the TPM gives back; throws where it refuses. Keys of the low range are used by policy,
  // those of the high range by their (empty) password.
  Bytes activate(const tpm::Credential& credential, bool high_range = false) {
    Bytes file;
    append_be32(file, 0xbadcc0de);  // tpm2-tools' own header
    append_be32(file, 1);
    append(file, credential.blob);
    append(file, credential.encrypted_secret);
    write("credential", file);
    const std::string session = path("session.ctx");
    const std::string command = "tpm2_activatecredential -c " + path("ak.ctx") + " -C " +
                                path("ek.ctx") + " -i " + path("credential") + " -o " +
                                path("secret");
    if (high_range) {
      run(command);
      return read("secret");
    }
    tpm_.tool("tpm2_startauthsession --policy-session -S " + session);
    tpm_.tool("tpm2_policysecret -S " + session + " -c e");
    std::string failure;
    try {
      tpm_.tool(command + " -P session:" + session);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    tpm_.tool("tpm2_flushcontext " + session);
    tpm_.tool("tpm2_flushcontext -t");
    if (!failure.empty()) throw std::runtime_error(failure);
    return read("secret");
  }

  testing::Swtpm tpm_;
  std::string dir_;
};

TEST_F(OnSoftwareTpm, CredentialsAreActivatedForEveryKindOfEndorsementKey) {
  for (const EkKind& kind : kKinds) {
    make_ek(kind.tool_option);
    make_ak();
    const tpm::Public ek = must_value(tpm::parse_public(read("ek.pub")));
    const Bytes name = must_value(tpm::parse_public(read("ak.pub"))).name;
    EXPECT_EQ(name, read("ak.name"));
    for (const std::size_t size : {1U, 16U, 32U}) {
      const Bytes secret = crypto::random_bytes(crypto::system_random(), size);
      const auto credential = tpm::make_credential(ek, name, secret, crypto::system_random());
      ASSERT_TRUE(credential.has_value()) << kind.name << ": " << credential.error().message;
      const bool high_range = kind.key == tpm::EkTemplate::kEccP384;
      EXPECT_EQ(activate(credential.value(), high_range), secret) << kind.name;
    }
  }
}

// A coordinate of the ephemeral key begins with a zero byte once in 128 keys.
TEST_F(OnSoftwareTpm, CredentialsWithALeadingZeroInACoordinateAreActivated) {
  make_ek("ecc");
  make_ak();
  const tpm::Public ek = must_value(tpm::parse_public(read("ek.pub")));
  const Bytes name = read("ak.name");
  const Bytes secret(32, 0x5a);
  const auto begins_with_zero = [](const Bytes& sealed) {
    return sealed[4] == 0 || sealed[4 + 32 + 2] == 0;
  };
  for (int found = 0, tries = 0; found < 2; ++tries) {
    ASSERT_LT(tries, 20'000);
    const auto credential =
        must_value(tpm::make_credential(ek, name, secret, crypto::system_random()));
    if (!begins_with_zero(credential.encrypted_secret)) continue;
    EXPECT_EQ(activate(credential), secret);
    ++found;
  }
}

TEST_F(OnSoftwareTpm, CredentialsForAnotherKeyAreNotActivated) {
  make_ek("ecc");
  make_ak();
  const Bytes first_name = read("ak.name");
  make_ak();
  const tpm::Public ek = must_value(tpm::parse_public(read("ek.pub")));
  const auto credential =
      must_value(tpm::make_credential(ek, first_name, Bytes(32, 1), crypto::system_random()));
  EXPECT_THROW(activate(credential), std::runtime_error);
}

TEST_F(OnSoftwareTpm, TemplatesMakeTheKeysThatOtherToolsMake) {
  for (const EkKind& kind : kKinds) {
    make_ek(kind.tool_option);
    const Bytes real = read("ek.pub");
    const Bytes area = tpm::ek_template(kind.key);
    const std::size_t head = real.size() - 2 - kind.unique_bytes;
    ASSERT_GE(area.size(), 2 + head) << kind.name;
    EXPECT_EQ(to_hex(ByteView(area).subspan(2, head - 2)),
              to_hex(ByteView(real).subspan(2, head - 2)))
        << kind.name;
  }
}

TEST_F(OnSoftwareTpm, QuotesAreVerifiedOverSeveralBanksAndFollowEachOther) {
  make_ek("ecc");
  make_ak();
  const auto keys = attest::check_keys({{}, read("ek.pub"), read("ak.pub")});
  ASSERT_TRUE(keys.has_value()) << keys.reason().message;
  const SystemTime now{};
  const attest::BeaconWindow none;
  attest::QuoteContext context{keys.value(), "node", none, {}, {}, {}, {}, now};
  const Bytes nonce(32, 0x42);

  const std::string selection = "sha1:0,23+sha256:0,1,7,16";
  const tpm::PcrId selected[] = {{HashAlgorithm::kSha1, 0},   {HashAlgorithm::kSha1, 23},
                                 {HashAlgorithm::kSha256, 0}, {HashAlgorithm::kSha256, 1},
                                 {HashAlgorithm::kSha256, 7}, {HashAlgorithm::kSha256, 16}};
  const auto quote = [&] {
    run("tpm2_quote -c " + path("ak.ctx") + " -l " + selection + " -q " + to_hex(nonce) + " -m " +
        path("quote.msg") + " -s " + path("quote.sig"));
    run("tpm2_pcrread " + selection + " -o " + path("pcrs"));  // one after the other
    const Bytes concatenated = read("pcrs");
    ByteReader reader(concatenated);
    tpm::PcrValues values;
    for (const tpm::PcrId& id : selected) {
      const ByteView digest = must_value(reader.take(crypto::digest_size(id.bank), "PCR"));
      values[id].assign(digest.begin(), digest.end());
    }
    return attest::verify_stored_quote({read("quote.msg"), read("quote.sig"), {}}, values, nonce,
                                       now, context);
  };

  const auto first = quote();
  ASSERT_TRUE(first.has_value()) << first.reason().message;
  context.previous = first->state();

  run("tpm2_pcrextend 16:sha256=" + std::string(64, '1'));
  const auto extended = quote();
  ASSERT_TRUE(extended.has_value()) << extended.reason().message;
  EXPECT_EQ(extended->boot(), attest::Boot::kSame);
  EXPECT_NE(extended->pcrs(), first->pcrs());
}

}  // namespace
}  // namespace avouch
