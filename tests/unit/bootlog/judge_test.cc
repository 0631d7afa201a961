#include "bootlog/judge.h"

#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using attest::BootLogSpec;
using codec::Json;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

void set_variable(PlainLog& log, std::string_view name, const Bytes& value) {
  const std::size_t at = find_variable(log, name);
  const std::string guid = parse_variable(log.events[at].data).value().guid;
  log.events[at] = log.make(7, log.events[at].type, variable_bytes(guid, name, value));
}

void erase(PlainLog& log, std::size_t at) {
  log.events.erase(log.events.begin() + static_cast<std::ptrdiff_t>(at));
}

TEST(Judge, AcceptsARealBootUnderSecureBootAndAManifestOfIt) {
  const PlainLog log = good_log();
  EXPECT_TRUE(appraise(log, testing::corpus_pcrs()).accepted());
  const Appraised known =
      appraise(log, testing::corpus_pcrs(), {}, references_of(manifest_of(log)));
  EXPECT_TRUE(known.accepted()) << (known.reasons.empty() ? "" : known.reasons[0].message);
  EXPECT_EQ(known.vector[attest::Claim::kExecutables], attest::kApprovedBoot);
  EXPECT_EQ(known.vector[attest::Claim::kConfiguration], attest::kGenuine);
}

TEST(Judge, ClaimsNothingOfExecutablesWhereNoneIsMeasuredAndTheQuirkPutsUpWithIt) {
  PlainLog log = good_log();
  std::erase_if(log.events, [](const PlainEvent& event) {
    return event.pcr == 4 && event.type == kBootServicesApplication;
  });
  BootLogSpec policy = optional_secure_boot();
  policy.quirks = {std::string(quirk::kNoBootImages)};
  const Appraised found = appraise(log, policy, references_of(manifest_of(good_log())));
  EXPECT_THAT(found.codes(), IsEmpty());
  EXPECT_EQ(found.vector[attest::Claim::kExecutables], attest::kNotMeasured);
}

TEST(Judge, ClaimsNothingOfExecutablesWithoutReferences) {
  EXPECT_EQ(appraise(good_log()).vector[attest::Claim::kExecutables], attest::kNotMeasured);
}

TEST(Judge, RefusesWhatNoManifestKnowsOnceEachWithTheAdditionThatWouldAcceptIt) {
  const PlainLog log = good_log();
  const Appraised found = appraise(log, {}, references_of(foreign_manifest()));
  ASSERT_FALSE(found.reasons.empty());
  EXPECT_THAT(found.codes(), Contains("SecureBootKeyUnknown"));
  EXPECT_THAT(found.codes(), Contains("BootImageUnknown"));
  std::set<std::string> suggestions;
  for (const attest::Reason& each : found.reasons) {
    if (each.code == code::kMoreReasons) continue;
    EXPECT_TRUE(each.event.has_value()) << each.message;
    EXPECT_FALSE(each.fields.empty()) << each.message;
    EXPECT_TRUE(suggestions.insert(each.suggestion).second) << each.suggestion;
    const Json addition = codec::parse_json(each.suggestion).value();
    ASSERT_EQ(addition.as_object()->size(), 1U);
    EXPECT_EQ(addition.as_object()->begin()->second.as_array()->size(), 1U);
  }
}

TEST(Judge, WantsEachOfAManifestsValues) {
  const PlainLog log = good_log();
  const Json whole = manifest_of(log);
  for (const char* member : {"bootComponents", "secureBootCertificates"}) {
    const std::size_t count = whole.find(member)->as_array()->size();
    const std::size_t first = std::string_view(member) == "secureBootCertificates" ? 1 : 0;
    for (std::size_t i = first; i < count; ++i) {
      Json without = whole;
      auto* values = without[member].as_array();
      values->erase(values->begin() + static_cast<std::ptrdiff_t>(i));
      const Appraised found = appraise(log, {}, references_of(without));
      ASSERT_EQ(found.reasons.size(), 1U) << member << " " << i;
      EXPECT_TRUE(add_suggestions(found.reasons, without));
      EXPECT_TRUE(appraise(log, {}, references_of(without)).accepted());
    }
  }
}

TEST(Judge, SaysOfManyProblemsHowManyItLeavesOut) {
  PlainLog log = good_log();
  const Json known = manifest_of(log);
  for (int i = 0; i < 50; ++i) {
    log.add(log.make(9, kIpl, to_bytes("f"), to_bytes(std::to_string(i))));
  }
  const Appraised found = appraise(log, {}, references_of(known));
  ASSERT_EQ(found.reasons.size(), kMaxReasons + 1);
  EXPECT_EQ(found.reasons.back().code, code::kMoreReasons);
  EXPECT_THAT(found.reasons.back().message, HasSubstr("34 further problems"));
}

TEST(Judge, NeverAcceptsByASha1Digest) {
  // The SHA-1 bank is quoted too, and its digest would be known if any were.
  const PlainLog log = good_log();
  const BootLog read = must_read(log.bytes());
  const auto quoted = quote_of(read, {HashAlgorithm::kSha1});
  const Appraised found =
      appraise(log, quoted, optional_secure_boot(), references_of(manifest_of(log)));
  EXPECT_FALSE(found.accepted());
  EXPECT_THAT(found.codes(), Contains("BootPcrUnproven"));
}

// The good log in two banks, in the second of which programs and files have other digests.
PlainLog log_of_two_banks() {
  PlainLog log = good_log();
  log.banks = {HashAlgorithm::kSha256, HashAlgorithm::kSha384};
  log.header = make_header(log.banks);
  for (PlainEvent& event : log.events) {
    const Bytes seed = event.digests[1].second;
    const bool bound = event.type == kSeparator || event.type == kEfiAction || event.pcr == 7;
    event.digests = {
        {HashAlgorithm::kSha256, seed},
        {HashAlgorithm::kSha384, bound ? crypto::hash(HashAlgorithm::kSha384, event.data)
                                       : crypto::hash(HashAlgorithm::kSha384, seed)}};
  }
  std::erase_if(log.events, [](const PlainEvent& event) { return event.pcr == 8; });
  return log;
}
BootLogSpec of_banks(const std::vector<HashAlgorithm>& banks) {
  BootLogSpec out;
  out.banks = banks;
  return out;
}

TEST(Judge, KnowsComponentsByTheDigestsOfThePolicysBanks) {
  const PlainLog log = log_of_two_banks();
  const auto both = quote_of(must_read(log.bytes()), log.banks);
  const auto only384 = quote_of(must_read(log.bytes()), {HashAlgorithm::kSha384});
  const BootLogSpec for_384 = of_banks({HashAlgorithm::kSha384});
  Json spec = foreign_manifest();
  while (add_suggestions(appraise(log, only384, for_384, references_of(spec)).reasons, spec)) {
  }
  EXPECT_THAT(codec::to_json(spec), HasSubstr("sha384:"));
  EXPECT_TRUE(appraise(log, only384, for_384, references_of(spec)).accepted());
  EXPECT_TRUE(appraise(log, both, for_384, references_of(spec)).accepted());
  const auto only256 = quote_of(must_read(log.bytes()), {HashAlgorithm::kSha256});
  EXPECT_FALSE(appraise(log, only256, for_384, references_of(spec)).accepted());
}

// Which banks there are a node chooses; one that its firmware does not extend root can fill.
TEST(B10, AcceptsNothingByABankThatThePolicyDoesNotName) {
  const PlainLog log = log_of_two_banks();
  const auto both = quote_of(must_read(log.bytes()), log.banks);
  const auto known_by = [&](const BootLogSpec& policy, Json spec) {
    while (add_suggestions(appraise(log, both, policy, references_of(spec)).reasons, spec)) {
    }
    return spec;
  };
  const BootLogSpec for_256 = of_banks({HashAlgorithm::kSha256});
  const BootLogSpec for_both = of_banks(log.banks);
  const Json known_in_384 = known_by(of_banks({HashAlgorithm::kSha384}), foreign_manifest());
  EXPECT_THAT(appraise(log, both, for_256, references_of(known_in_384)).codes(),
              Contains("BootImageUnknown"));
  // Of two that it names neither is enough.
  const auto found = appraise(log, both, for_both, references_of(known_in_384));
  EXPECT_THAT(found.codes(), Contains("BootImageUnknown"));
  EXPECT_THAT(found.reasons.front().message, HasSubstr("in each of pcrs.banks"));
  const Json known_in_both = known_by(for_both, known_in_384);
  EXPECT_TRUE(appraise(log, both, for_both, references_of(known_in_both)).accepted());
  EXPECT_TRUE(appraise(log, both, for_256, references_of(known_in_both)).accepted());
}

TEST(B2, RefusesAChangedProgramUnderEveryType) {
  const Json known = manifest_of(good_log());
  for (const std::uint32_t type :
       {kBootServicesApplication, kIpl, kEventTag, kCompactHash, kOmitBootDeviceEvents}) {
    PlainLog log = good_log();
    const std::size_t at = log.find(4, kBootServicesApplication);
    log.events[at] = log.make(4, type, log.events[at].data, to_bytes("evil program"));
    EXPECT_THAT(appraise(log, {}, references_of(known)).codes(), ElementsAre("BootImageUnknown"));
  }
  for (const std::uint32_t pcr : {0U, 2U, 9U, 14U}) {
    for (const std::uint32_t type : {kIpl, kEventTag, kPlatformFirmwareBlob, kCompactHash}) {
      PlainLog log = good_log();
      log.add(log.make(pcr, type, Bytes(16), to_bytes("evil file")));
      EXPECT_THAT(appraise(log, {}, references_of(known)).codes(), ElementsAre("BootFileUnknown"));
    }
  }
}

TEST(B7, RefusesSecureBootThatIsAbsentEmptyOrNeitherZeroNorOne) {
  PlainLog absent = good_log();
  erase(absent, find_variable(absent, "SecureBoot"));
  EXPECT_THAT(appraise(absent).codes(), ElementsAre("SecureBootUnproven"));
  const auto of = [](const Bytes& value) {
    PlainLog log = good_log();
    set_variable(log, "SecureBoot", value);
    return appraise(log).codes();
  };
  EXPECT_THAT(of({1}), IsEmpty());
  EXPECT_THAT(of({0}), ElementsAre("SecureBootDisabled"));
  for (const Bytes& value :
       {Bytes{}, Bytes{2}, Bytes{255}, Bytes{1, 0}, Bytes{1, 1}, Bytes{0, 1}}) {
    EXPECT_THAT(of(value), ElementsAre("SecureBootUnproven"));
  }
}

// The firmware verifies nothing in these modes, whatever SecureBoot says.
TEST(B7, RefusesSetupModeAndAuditModeBesideSecureBoot) {
  for (const char* mode : {"SetupMode", "AuditMode"}) {
    for (const Bytes& value : {Bytes{0}, Bytes{1}, Bytes{}, Bytes{0, 0}}) {
      PlainLog log = good_log();
      const std::size_t at = find_variable(log, "SecureBoot");
      const PlainEvent event =
          log.make(7, kVariableDriverConfig, variable_bytes(kGlobalGuid, mode, value));
      log.events.insert(log.events.begin() + static_cast<std::ptrdiff_t>(at), event);
      const auto codes = appraise(log).codes();
      if (value == Bytes{0}) {
        EXPECT_THAT(codes, IsEmpty()) << mode;
      } else {
        EXPECT_THAT(codes, ElementsAre("SecureBootDisabled")) << mode;
      }
    }
  }
}

TEST(B7, TakesAModeForNoAuthority) {
  for (const char* mode : {"SetupMode", "AuditMode", "DeployedMode"}) {
    PlainLog log = good_log();
    log.add(log.make(7, kVariableAuthority, variable_bytes(kGlobalGuid, mode, Bytes{1})));
    EXPECT_THAT(appraise(log).codes(), Contains("BootEventUnexpected")) << mode;
  }
}

TEST(B7, DoesNotTakeAnotherVariableOfThatName) {
  PlainLog log = good_log();
  const std::size_t at = find_variable(log, "SecureBoot");
  log.events[at] =
      log.make(7, kVariableDriverConfig, variable_bytes(kShimGuid, "SecureBoot", Bytes{1}));
  EXPECT_THAT(appraise(log).codes(), ElementsAre("SecureBootUnproven"));
}

TEST(B7, RefusesSecureBootWithoutKeys) {
  for (const char* name : {"PK", "KEK", "db"}) {
    PlainLog absent = good_log();
    erase(absent, find_variable(absent, name));
    const auto codes = appraise(absent).codes();
    EXPECT_THAT(codes, Contains("SecureBootUnproven")) << name;
    for (const Bytes& value : {Bytes{}, Bytes{1, 2, 3}, Bytes(28)}) {
      PlainLog log = good_log();
      set_variable(log, name, value);
      EXPECT_THAT(appraise(log).codes(), Contains("SecureBootUnproven")) << name;
    }
  }
}

TEST(B7, RefusesSecureBootUnderWhichNothingWasVerified) {
  PlainLog log = good_log();
  erase(log, log.find(7, kVariableAuthority));  // db's
  EXPECT_THAT(appraise(log).codes(), ElementsAre("SecureBootUnproven"));
}

TEST(B7, RefusesAnAuthorityThatDbDoesNotHave) {
  PlainLog log = good_log();
  const std::size_t at = log.find(7, kVariableAuthority);
  Bytes value(16);
  append(value, testing::corpus_authority("ca1").front().der());
  log.events[at] =
      log.make(7, kVariableAuthority, variable_bytes(kSecurityDatabaseGuid, "db", value));
  EXPECT_THAT(appraise(log).codes(), ElementsAre("SecureBootUnproven"));
}

TEST(B7, RefusesAShimThatVerifiesNothing) {
  PlainLog log = good_log();
  log.add(log.make(7, kVariableAuthority, variable_bytes(kShimGuid, "MokSBState", Bytes{1})));
  EXPECT_THAT(appraise(log).codes(), ElementsAre("SecureBootDisabled"));
  PlainLog in14 = good_log();
  in14.add(in14.make(14, kIpl, to_bytes("MokSBState"), Bytes{1}));
  EXPECT_THAT(appraise(in14).codes(), ElementsAre("SecureBootDisabled"));
  PlainLog zero = good_log();
  zero.add(zero.make(7, kVariableAuthority, variable_bytes(kShimGuid, "MokSBState", Bytes{0})));
  EXPECT_THAT(appraise(zero).codes(), IsEmpty());
}

TEST(B7, AsksNothingOfSecureBootWhereItIsOptional) {
  PlainLog log = good_log();
  set_variable(log, "SecureBoot", {0});
  EXPECT_TRUE(appraise(log, optional_secure_boot()).accepted());
}

TEST(Judge, RefusesAKeyOfSecureBootThatNoManifestKnows) {
  const Json known = manifest_of(good_log());
  const Bytes der = testing::corpus_authority("ca1").back().der();  // not the manifest's own
  for (const char* name : {"PK", "KEK", "db"}) {
    PlainLog log = good_log();
    const std::size_t at = find_variable(log, name);
    const ByteView old = parse_variable(log.events[at].data).value().value;
    Bytes value(old.begin(), old.end());
    append(value, from_hex("a159c0a5e494a74a87b5ab155c2bf072").value());
    put_le(value, 28 + 16 + der.size(), 4);
    put_le(value, 0, 4);
    put_le(value, 16 + der.size(), 4);
    append(value, Bytes(16));
    append(value, der);
    set_variable(log, name, value);
    EXPECT_THAT(appraise(log, {}, references_of(known)).codes(),
                ElementsAre("SecureBootKeyUnknown"))
        << name;
  }
  for (const char* name : {"MokListRT", "Shim", "vendor_db", "anything"}) {
    for (const bool owner : {true, false}) {
      PlainLog log = good_log();
      Bytes value(owner ? 16 : 0);
      append(value, der);
      log.add(log.make(7, kVariableAuthority, variable_bytes(kShimGuid, name, value)));
      EXPECT_THAT(appraise(log, {}, references_of(known)).codes(),
                  ElementsAre("SecureBootKeyUnknown"))
          << name;
    }
  }
}

TEST(Judge, RefusesADigestInDbThatIsOfNoKnownComponent) {
  const Json known = manifest_of(good_log());
  const auto with_digest = [](const Bytes& digest) {
    PlainLog log = good_log();
    const std::size_t at = find_variable(log, "db");
    const ByteView old = parse_variable(log.events[at].data).value().value;
    Bytes value(old.begin(), old.end());
    append(value, from_hex("2616c4c14c509240aca941f936934328").value());
    put_le(value, 28 + 48, 4);
    put_le(value, 0, 4);
    put_le(value, 48, 4);
    append(value, Bytes(16));
    append(value, digest);
    set_variable(log, "db", value);
    return log;
  };
  const PlainLog good = good_log();
  const Bytes shim = good.events[good.find(4, kBootServicesApplication)].digests[1].second;
  EXPECT_THAT(appraise(with_digest(shim), {}, references_of(known)).codes(), IsEmpty());
  EXPECT_THAT(appraise(with_digest(Bytes(32, 5)), {}, references_of(known)).codes(),
              ElementsAre("SecureBootKeyUnknown"));
}

TEST(Judge, AcceptsNoMoreKeysWhenTheManifestThatListsThemEnds) {
  Json known = manifest_of(good_log());
  known["notAfter"] = "2026-01-01T00:00:00Z";  // before the time of references_of()
  EXPECT_THAT(appraise(good_log(), {}, references_of(known)).codes(),
              Contains("SecureBootKeyUnknown"));
}

TEST(Judge, RefusesAKeyOfRecoveryThatNoManifestKnows) {
  const Json known = manifest_of(good_log());
  for (const char* name : {"dbr", "dbt"}) {
    PlainLog log = good_log();
    const std::size_t at = find_variable(log, "db");
    const Bytes der = testing::corpus_authority("ca1").back().der();
    Bytes value = from_hex("a159c0a5e494a74a87b5ab155c2bf072").value();
    put_le(value, 28 + 16 + der.size(), 4);
    put_le(value, 0, 4);
    put_le(value, 16 + der.size(), 4);
    append(value, Bytes(16));
    append(value, der);
    log.events.insert(
        log.events.begin() + static_cast<std::ptrdiff_t>(at),
        log.make(7, kVariableDriverConfig, variable_bytes(kSecurityDatabaseGuid, name, value)));
    EXPECT_THAT(appraise(log, {}, references_of(known)).codes(),
                ElementsAre("SecureBootKeyUnknown"))
        << name;
    EXPECT_TRUE(appraise(log, {}, references_of(manifest_of(log))).accepted()) << name;
  }
}

// A manifest of the good boot that revokes as well.
References revoking(const Bytes& digest, bool list_certificates = true) {
  Json spec = manifest_of(good_log());
  spec["revoked"] = Json::Array{"sha256:" + to_hex(digest)};
  if (!list_certificates) spec.as_object()->erase("secureBootCertificates");
  return references_of(spec);
}

TEST(B16, RefusesARevokedShimThoughItIsSignedAndListed) {
  const PlainLog log = good_log();
  const Bytes shim = log.events[log.find(4, kBootServicesApplication)].digests[1].second;
  EXPECT_THAT(appraise(log, {}, revoking(shim)).codes(), ElementsAre("BootImageRevoked"));
  const Bytes initrd = log.events[log.find(9, kIpl, "/initrd.img")].digests[1].second;
  EXPECT_THAT(appraise(log, {}, revoking(initrd)).codes(), ElementsAre("BootFileRevoked"));
}

// Of manifests that the policy names for files, under bootLog without references.
TEST(B16, RefusesWhatIsRevokedThoughNothingNeedBeKnown) {
  const PlainLog log = good_log();
  const auto codes = [&](const Bytes& digest) {
    Json spec = foreign_manifest();
    spec.as_object()->erase("secureBootCertificates");
    spec["revoked"] = Json::Array{"sha256:" + to_hex(digest)};
    return appraise(log, quote_of(log), {}, nullptr, references_of(spec)).codes();
  };
  EXPECT_THAT(codes(log.events[log.find(4, kBootServicesApplication)].digests[1].second),
              ElementsAre("BootImageRevoked"));
  EXPECT_THAT(codes(log.events[log.find(9, kIpl, "/initrd.img")].digests[1].second),
              ElementsAre("BootFileRevoked"));
  const auto entries =
      signatures_of(parse_variable(log.events[find_variable(log, "db")].data).value().value);
  const crypto::Sha256 fingerprint = crypto::sha256(entries[0].value);
  EXPECT_THAT(codes(Bytes(fingerprint.begin(), fingerprint.end())),
              ElementsAre("SecureBootKeyRevoked"));
  EXPECT_THAT(codes(Bytes(32, 1)), IsEmpty());
}

TEST(B16, RefusesAProgramThatTheNodesOwnDbxForbids) {
  PlainLog log = good_log();
  Bytes value = from_hex("2616c4c14c509240aca941f936934328").value();
  const Bytes grub = log.events[log.find(4, kBootServicesApplication, "g")].digests[1].second;
  put_le(value, 28 + 2 * 48, 4);
  put_le(value, 0, 4);
  put_le(value, 48, 4);
  append(value, Bytes(48, 1));
  append(value, Bytes(16));
  append(value, grub);
  set_variable(log, "dbx", value);
  EXPECT_THAT(appraise(log).codes(), ElementsAre("BootImageRevoked"));
  EXPECT_THAT(appraise(log, optional_secure_boot()).codes(), ElementsAre("BootImageRevoked"));
  // Of a driver of PCR 2 too, whatever the log calls it.
  for (const std::uint32_t type : {kBootServicesDriver, kPlatformFirmwareBlob, kPostCode}) {
    PlainLog driver = good_log();
    set_variable(driver, "dbx", value);
    driver.events[driver.find(4, kBootServicesApplication, "g")].digests[1].second = Bytes(32, 7);
    PlainEvent event = driver.make(2, type, to_bytes("an option ROM"));
    event.digests[1].second = grub;
    driver.events.insert(driver.events.begin(), event);
    EXPECT_THAT(appraise(driver, optional_secure_boot()).codes(), ElementsAre("BootImageRevoked"))
        << type;
  }
}

// What the log has in a bank that is not quoted is anybody's; a bank that root fills hides nothing.
TEST(B16, HoldsDbxAgainstProvenDigestsAlone) {
  PlainLog log = log_of_two_banks();
  const std::size_t at = log.find(4, kBootServicesApplication, "g");
  Bytes value = from_hex("2616c4c14c509240aca941f936934328").value();
  put_le(value, 28 + 48, 4);
  put_le(value, 0, 4);
  put_le(value, 48, 4);
  append(value, Bytes(16));
  append(value, log.events[at].digests[0].second);
  const std::size_t dbx = find_variable(log, "dbx");
  const Bytes data = variable_bytes(kSecurityDatabaseGuid, "dbx", value);
  log.events[dbx].data = data;
  log.events[dbx].digests = {{HashAlgorithm::kSha256, crypto::hash(HashAlgorithm::kSha256, data)},
                             {HashAlgorithm::kSha384, crypto::hash(HashAlgorithm::kSha384, data)}};
  const auto both = quote_of(must_read(log.bytes()), log.banks);
  const auto only384 = quote_of(must_read(log.bytes()), {HashAlgorithm::kSha384});
  EXPECT_THAT(appraise(log, both).codes(), ElementsAre("BootImageRevoked"));
  EXPECT_THAT(appraise(log, only384).codes(), IsEmpty()) << "it cannot be told";
}

TEST(B7, KnowsThatShimVerifiesNothingByAnyBank) {
  PlainLog log = log_of_two_banks();
  PlainEvent off = log.events[log.find(14, kIpl)];
  off.data = to_bytes("MokSBState");
  off.digests = {{HashAlgorithm::kSha256, crypto::hash(HashAlgorithm::kSha256, Bytes{1})},
                 {HashAlgorithm::kSha384, Bytes(48, 7)}};
  log.add(off);
  const auto both = quote_of(must_read(log.bytes()), log.banks);
  EXPECT_THAT(appraise(log, both).codes(), ElementsAre("SecureBootDisabled"));
}

TEST(B16, RefusesADbxThatCannotBeRead) {
  PlainLog log = good_log();
  set_variable(log, "dbx", Bytes(5));
  EXPECT_THAT(appraise(log).codes(), ElementsAre("SecureBootUnproven"));
}

TEST(B16, RefusesARevokedCertificateWhetherOrNotCertificatesAreListed) {
  const PlainLog log = good_log();
  const auto entries =
      signatures_of(parse_variable(log.events[find_variable(log, "db")].data).value().value);
  const crypto::Sha256 fingerprint = crypto::sha256(entries[0].value);
  for (const bool listed : {true, false}) {
    EXPECT_THAT(
        appraise(log, {}, revoking(Bytes(fingerprint.begin(), fingerprint.end()), listed)).codes(),
        ElementsAre("SecureBootKeyRevoked"));
  }
}

TEST(B16, RefusesALevelOfSbatOrADbxThatIsRevoked) {
  const PlainLog log = good_log();
  for (const char* name : {"SbatLevel", "dbx"}) {
    const Bytes& data = log.events[find_variable(log, name)].data;
    const crypto::Sha256 digest = crypto::sha256(parse_variable(data).value().value);
    EXPECT_THAT(appraise(log, {}, revoking(Bytes(digest.begin(), digest.end()))).codes(),
                ElementsAre("SecureBootOutdated"))
        << name;
  }
}

TEST(B17, RefusesAQuoteThatLeavesOutOneOfTheBootsPcrs) {
  const PlainLog log = good_log();
  for (const std::uint8_t pcr : std::vector<std::uint8_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 14}) {
    tpm::PcrValues quoted = testing::corpus_pcrs();
    ASSERT_EQ(quoted.erase({HashAlgorithm::kSha256, pcr}), 1U);
    const Appraised found = appraise(log, quoted, optional_secure_boot());
    EXPECT_THAT(found.codes(), Contains("BootPcrUnproven")) << int{pcr};
    EXPECT_FALSE(found.accepted()) << int{pcr};
  }
}

TEST(B17, IsNeverAffirmingOfAPcrThatDiffers) {
  const PlainLog log = good_log();
  for (auto& [pcr, value] : testing::corpus_pcrs()) {
    if (pcr.index == 10) continue;
    tpm::PcrValues quoted = testing::corpus_pcrs();
    quoted[pcr][0] ^= 1;
    const BoundLog bound = bind_log(log, quoted);
    const BootJudgement judged =
        judge(bound, read_meaning(bound, {}), optional_secure_boot(), nullptr, nullptr);
    EXPECT_EQ(attest::worst_tier(judged.vector), attest::Status::kContraindicated);
  }
}

TEST(B17, WantsMoreThanTheSha1Bank) {
  const PlainLog log = good_log();
  const auto quoted = quote_of(must_read(log.bytes()), {HashAlgorithm::kSha1});
  const Appraised found = appraise(log, quoted, optional_secure_boot());
  EXPECT_THAT(found.codes(), Each(std::string("BootPcrUnproven")));
  EXPECT_THAT(found.reasons[0].message, HasSubstr("SHA-1 bank alone"));
}

TEST(F4, RefusesTheLogOfAnotherBootOfTheSameMachine) {
  // A quote of the new boot, with the log that the machine sent for the one before.
  for (const char* before : {"bootlogs/changed-cmdline.bin", "bootlogs/changed-initrd.bin"}) {
    const PlainLog old = plain_log(must_read(testing::read_vector(before)));
    EXPECT_TRUE(appraise(old).accepted()) << before;
    const Appraised found = appraise(old, testing::corpus_pcrs());
    EXPECT_THAT(found.codes(), Contains("BootLogReplayMismatch")) << before;
    EXPECT_FALSE(found.accepted()) << before;
  }
}

// systemd-stub puts files that are no part of the kernel's image into the initrd.
TEST(Judge, WantsWhatSystemdsStubAddsToBeKnown) {
  const References known = references_of(manifest_of(good_log()));
  const BootLogSpec policy = optional_secure_boot();
  for (const std::uint32_t pcr : {12U, 13U}) {
    PlainLog log = good_log();
    log.add(log.make(pcr, kIpl, to_bytes("an extension"), to_bytes("its bytes")));
    EXPECT_THAT(appraise(log, policy, known).codes(), ElementsAre("BootFileUnknown")) << pcr;
    EXPECT_TRUE(appraise(log, policy).accepted()) << pcr;
    EXPECT_TRUE(appraise(log, policy, references_of(manifest_of(log))).accepted()) << pcr;
    tpm::PcrValues quoted = quote_of(log);
    std::erase_if(quoted, [&](const auto& each) { return each.first.index == pcr; });
    EXPECT_THAT(appraise(log, quoted, policy, known).codes(), ElementsAre("BootPcrUnproven"))
        << pcr;
    EXPECT_TRUE(appraise(good_log(), quoted, policy, known).accepted()) << pcr;
    quoted[{HashAlgorithm::kSha256, static_cast<std::uint8_t>(pcr)}] = Bytes(32, 1);
    EXPECT_THAT(appraise(good_log(), quoted, policy, known).codes(), Contains("BootPcrUnproven"))
        << pcr;
  }
}

// The log may show what it only describes as a rule; the number is a profile's.
TEST(B2, WantsWhatSystemdsStubAddsToBeKnownThoughTheLogShowsItsBytes) {
  const References known = references_of(manifest_of(good_log()));
  Bytes archive = to_bytes("070701");
  append(archive, Bytes(8, 0));
  for (const Bytes& content : {archive, to_bytes("[Service]\nExecStart=/evil\n"), to_utf16("1")}) {
    PlainLog log = good_log();
    log.add(log.make(12, kEventTag, content));
    EXPECT_THAT(appraise(log, optional_secure_boot(), known).codes(),
                ElementsAre("BootFileUnknown"));
    EXPECT_TRUE(appraise(log, optional_secure_boot(), references_of(manifest_of(log))).accepted());
  }
}

}  // namespace
}  // namespace avouch::bootlog
