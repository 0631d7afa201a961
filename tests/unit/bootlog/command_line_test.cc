#include "bootlog/text.h"
#include "tests/unit/bootlog/boots.h"

namespace avouch::bootlog {
namespace {

using attest::BootLogSpec;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

codec::Pattern pattern(std::string_view text) {
  return codec::Pattern::compile(std::string(text)).value();
}

BootLogSpec command_line(const std::vector<std::string>& required,
                         const std::vector<std::string>& forbidden = {}) {
  BootLogSpec out = optional_secure_boot();
  for (const auto& each : required) out.command_line_required.push_back(pattern(each));
  for (const auto& each : forbidden) {
    out.command_line_forbidden.push_back(testing::must_value(codec::KernelPattern::compile(each)));
  }
  return out;
}

// The good log with another command line, as GRUB measures it.
PlainLog with_command_line(const std::string& text) {
  PlainLog log = good_log();
  const auto set = [&](std::string_view prefix, const std::string& measured) {
    const std::size_t at =
        log.find(8, kIpl, std::string(prefix) + (prefix[0] == 'g' ? "linux" : ""));
    log.events[at] =
        log.make(8, kIpl, to_bytes(std::string(prefix) + measured), to_bytes(measured));
  };
  set("grub_cmd: ", "linux " + text);
  set("kernel_cmdline: ", text);
  return log;
}

TEST(CommandLine, MatchesWholeArguments) {
  const PlainLog log = good_log();
  EXPECT_TRUE(appraise(log, command_line({"quiet", "root=.*"})).accepted());
  EXPECT_THAT(appraise(log, command_line({"quie"})).codes(), Contains("KernelCommandLine"));
  EXPECT_TRUE(appraise(log, command_line({}, {"init=/bin/.*", "oot=none"})).accepted());
  EXPECT_THAT(appraise(log, command_line({}, {"root=none"})).codes(),
              Contains("KernelCommandLine"));
}

TEST(CommandLine, IsJudgedInEveryTextThatMayBeIt) {
  PlainLog log = good_log();
  const std::string evil = "linux /vmlinuz root=none init=/bin/sh";
  log.add(log.make(8, kIpl, to_bytes("grub_cmd: " + evil), to_bytes(evil)));
  EXPECT_THAT(appraise(log, command_line({"quiet"})).codes(), ElementsAre("KernelCommandLine"));
  EXPECT_THAT(appraise(log, command_line({}, {"init=.*"})).codes(),
              ElementsAre("KernelCommandLine"));
}

TEST(CommandLine, CountsNothingAfterTheArgumentsOfTheKernel) {
  // What follows "--" goes to init: the kernel does not see it.
  const PlainLog log = with_command_line("/vmlinuz root=none -- lockdown=confidentiality");
  EXPECT_THAT(appraise(log, command_line({"lockdown=confidentiality"})).codes(),
              Contains("KernelCommandLine"));
  EXPECT_THAT(appraise(log, command_line({}, {"lockdown=.*"})).codes(),
              Contains("KernelCommandLine"));
  EXPECT_TRUE(appraise(with_command_line("/vmlinuz lockdown=confidentiality -- 1"),
                       command_line({"lockdown=confidentiality"}))
                  .accepted());
}

TEST(CommandLine, ReadsQuotesAsTheKernelDoes) {
  PlainLog log = good_log();
  const std::size_t grub = log.find(8, kIpl, "grub_cmd: linux");
  const std::size_t kernel = log.find(8, kIpl, "kernel_cmdline: ");
  const std::string shown = "linux /vmlinuz a=b lockdown=confidentiality";  // GRUB drops quotes
  const std::string passed = "/vmlinuz \"a=b lockdown=confidentiality\"";
  log.events[grub] = log.make(8, kIpl, to_bytes("grub_cmd: " + shown), to_bytes(shown));
  log.events[kernel] = log.make(8, kIpl, to_bytes("kernel_cmdline: " + passed), to_bytes(passed));
  EXPECT_THAT(appraise(log, command_line({"lockdown=confidentiality"})).codes(),
              ElementsAre("KernelCommandLine"));
}

// Shells of initrds and x86's early options know no quotes, and systemd knows others.
TEST(CommandLine, IsReadAsEachReaderSplitsIt) {
  const auto codes = [](const std::string& line, const BootLogSpec& policy) {
    return appraise(with_command_line("/vmlinuz " + line), policy).codes();
  };
  const BootLogSpec no_init = command_line({}, {"init=.*"});
  for (const char* line : {"dummy=\"a init=/bin/sh b\"", "dummy=\\\"a init=/bin/sh b\\\"",
                           "\"a init=/bin/sh\"", "'init=/bin/sh'", "in\"it\"=/bin/sh",
                           "i'n'it=/bin/sh", "\\init=/bin/sh", "x=' init=/bin/sh'"}) {
    EXPECT_THAT(codes(line, no_init), Contains("KernelCommandLine")) << line;
    EXPECT_THAT(codes(line, command_line({}, {"other"})), IsEmpty()) << line;
  }
  const BootLogSpec no_break = command_line({}, {"a=b rd\\.break c"});  // one word to systemd alone
  EXPECT_THAT(codes("a='b rd.break c'", no_break), Contains("KernelCommandLine"));

  const BootLogSpec wanted = command_line({"lockdown=confidentiality"});
  for (const char* line : {"x='lockdown=confidentiality'", "x=' lockdown=confidentiality '",
                           "x=\" lockdown=confidentiality \"", "\"lockdown=confidentiality\"",
                           "lock'down'=confidentiality", "lockdown=confidential\\ity"}) {
    EXPECT_THAT(codes(line, wanted), Contains("KernelCommandLine")) << line;
  }
  EXPECT_THAT(codes("dyndbg=\"file x +p\" lockdown=confidentiality", wanted), IsEmpty());
  EXPECT_THAT(codes("dyndbg=\"file x +p\"", command_line({"/vmlinuz dyndbg=\"file x \\+p\""})),
              IsEmpty())
      << "as the whole line";
}

// The stub loads a file that nothing measures, wherever the line has the letters; a function that
// measures does not run.
TEST(CommandLine, IsRefusedWithWhatMakesNothingSureUnlessTheWholeLineIsKnown) {
  const References known = references_of(manifest_of(good_log()));
  for (const std::string argument :
       {"initrd=\\\\evil.img", "dtb=\\\\x", "initcall_blacklist=init_ima", "initcall-blacklist=x",
        "x.initrd=\\\\evil.img", "noinitrd=\\\\x", "a=initrd=x", "\"a initrd=x\"", "adtb=x",
        "initrdmem=0x1,2", "-- initrd=x"}) {
    const PlainLog log = with_command_line("/vmlinuz " + argument + " quiet");
    EXPECT_THAT(appraise(log, command_line({"quiet"})).codes(), Contains("KernelCommandLine"))
        << argument;
    EXPECT_THAT(appraise(log, optional_secure_boot(), known).codes(), Contains("KernelCommandLine"))
        << argument;
    EXPECT_TRUE(appraise(log, optional_secure_boot()).accepted()) << argument;
  }
  const PlainLog log = with_command_line("/vmlinuz initrd=/i quiet");
  EXPECT_THAT(appraise(log, command_line({"/vmlinuz initrd=/i quiet"})).codes(), IsEmpty());
  EXPECT_THAT(appraise(log, command_line({"/vmlinuz .*quiet"})).codes(),
              Contains("KernelCommandLine"));
  EXPECT_THAT(appraise(with_command_line("/vmlinuz root=/dev/a,initrd=/evil initrd=/i"),
                       command_line({"/vmlinuz root=[^ ]+ initrd=/i"}))
                  .codes(),
              Contains("KernelCommandLine"));
  for (const std::string either : {"( initrd=/i)?", "( initrd=/i| initrd=/j)"}) {
    EXPECT_THAT(appraise(with_command_line("/vmlinuz root=/dev/a,initrd=/evil initrd=/i"),
                         command_line({"/vmlinuz root=[^ ]+" + either}))
                    .codes(),
                Contains("KernelCommandLine"));
    EXPECT_THAT(appraise(with_command_line("/vmlinuz root=/dev/a initrd=/i"),
                         command_line({"/vmlinuz root=[^ ]+" + either}))
                    .codes(),
                IsEmpty());
  }
  EXPECT_THAT(appraise(with_command_line("/vmlinuz root=/dev/a,initrd=/evil"),
                       command_line({"/vmlinuz root=[^ ]+( initrd=/i)?"}))
                  .codes(),
              Contains("KernelCommandLine"));
  // One that takes the line as it stands, but not what the kernel makes of it, does not know it.
  for (const std::string line : {"/vmlinuz a=\"initrd=/i quiet\"", "/vmlinuz quiet -- initrd=/i"}) {
    EXPECT_THAT(
        appraise(with_command_line(line), command_line({".*quiet.*", ".*initrd=/i.*"})).codes(),
        Contains("KernelCommandLine"))
        << line;
  }
}

TEST(CommandLine, OfWhichTheKernelMaySeeAPartSatisfiesNothing) {
  const auto codes = [](std::size_t size) {
    const std::string end = " lockdown=confidentiality";
    const std::string begin = "/vmlinuz x=";
    return appraise(
               with_command_line(begin + std::string(size - begin.size() - end.size(), 'y') + end),
               command_line({"lockdown=confidentiality"}))
        .codes();
  };
  EXPECT_THAT(codes(kMaxCommandLine), IsEmpty());
  EXPECT_THAT(codes(kMaxCommandLine + 1), Contains("KernelCommandLineUnproven"));
}

// Nobody vouches for the prefix: in PCR 12 it would hide what systemd-stub has measured.
TEST(CommandLine, IsNoTextOfGrubsElsewhereThanInItsPcr) {
  PlainLog log = with_command_line("/vmlinuz quiet");
  Bytes wide;
  for (const char c : std::string("quiet init=/bin/sh")) {
    put_le(wide, static_cast<std::uint8_t>(c), 2);
  }
  Bytes shown = to_bytes("grub_cmd: ");
  append(shown, wide);
  append(shown, Bytes{0});
  log.add(log.make(12, kIpl, shown, wide));
  EXPECT_THAT(appraise(log, command_line({}, {"init=.*"})).codes(),
              ElementsAre("KernelCommandLineUnproven"));
}

TEST(CommandLine, IsRefusedWhereItIsNotShown) {
  PlainLog none = good_log();
  std::erase_if(none.events, [](const PlainEvent& event) { return event.pcr == 8; });
  EXPECT_THAT(appraise(none, command_line({}, {"init=.*"})).codes(),
              ElementsAre("KernelCommandLineUnproven"));
  PlainLog hashed = good_log();
  Bytes tag;
  put_le(tag, 0x8f3b22ed, 4);
  hashed.add(hashed.make(9, kEventTag, tag, to_bytes("another")));
  EXPECT_THAT(appraise(hashed, command_line({"quiet"})).codes(),
              ElementsAre("KernelCommandLineUnproven"));
  EXPECT_TRUE(appraise(hashed).accepted());
}

TEST(CommandLine, IsRefusedWhereSystemdsPcrIsNotWhatTheLogSays) {
  const PlainLog log = good_log();
  tpm::PcrValues quoted = quote_of(log);
  quoted[{HashAlgorithm::kSha256, 12}][0] ^= 1;
  EXPECT_THAT(appraise(log, quoted, command_line({"quiet"})).codes(),
              Contains("KernelCommandLineUnproven"));
}

TEST(CommandLine, IsRefusedWhereTheQuoteDoesNotCoverWhatSystemdMeasured) {
  PlainLog log = good_log();
  tpm::PcrValues quoted = quote_of(log);
  std::erase_if(quoted, [](const auto& each) { return each.first.index == 12; });
  EXPECT_TRUE(appraise(log, quoted, command_line({"quiet"})).accepted());
  log.add(log.make(12, kIpl, to_bytes("quiet"), to_bytes("quiet")));
  EXPECT_THAT(appraise(log, quoted, command_line({"quiet"})).codes(),
              ElementsAre("KernelCommandLineUnproven"));
  EXPECT_TRUE(appraise(log, quoted, command_line({})).accepted());
}

TEST(CommandLine, ForbidsAnArgumentHoweverItsNameIsWritten) {
  for (const char* line : {"/vmlinuz ima_appraise=off", "/vmlinuz ima-appraise=off"}) {
    for (const char* forbidden : {"ima_appraise=.*", "ima-appraise=.*", ".*ima_appraise=off.*"}) {
      EXPECT_THAT(appraise(with_command_line(line), command_line({}, {forbidden})).codes(),
                  Contains("KernelCommandLine"))
          << line << " " << forbidden;
    }
  }
  EXPECT_THAT(appraise(with_command_line("/vmlinuz"), command_line({}, {"ima_.*"})).codes(),
              IsEmpty());
}

// GRUB starts a kernel as any EFI program too, by its stub.
TEST(CommandLine, IsSoughtInTheArgumentsOfAChainloadedKernel) {
  const auto codes = [](const std::string& command, const std::string& forbidden) {
    PlainLog log = good_log();
    log.events.insert(log.events.begin() + static_cast<std::ptrdiff_t>(log.find(8, kIpl)),
                      log.make(8, kIpl, to_bytes("grub_cmd: " + command), to_bytes(command)));
    return appraise(log, command_line({}, {forbidden})).codes();
  };
  for (const char* command :
       {"chainloader /vmlinuz init=/bin/sh", "xen_hypervisor /x init=/bin/sh",
        "xen_module /vmlinuz init=/bin/sh", "! chainloader /v init=/bin/sh",
        "time chainloader /v init=/bin/sh", "time ! time linux vmlinuz init=/bin/sh",
        "vmlinuz init=/bin/sh", "legacy_kernel /v init=/bin/sh"}) {
    EXPECT_THAT(codes(command, "init=.*"), ElementsAre("KernelCommandLine")) << command;
    EXPECT_THAT(codes(command, "single"), IsEmpty()) << command;
  }
  PlainLog bare = with_command_line("/vmlinuz quiet");
  const std::string command = "chainloader /vmlinuz";
  bare.add(bare.make(8, kIpl, to_bytes("grub_cmd: " + command), to_bytes(command)));
  EXPECT_THAT(appraise(bare, command_line({"quiet"})).codes(), ElementsAre("KernelCommandLine"))
      << "it has no arguments at all";
}

TEST(CommandLine, TakesWhatStandsBehindTheKernelsPartForNothingThatIsRequired) {
  const auto codes = [](const std::string& line, const std::string& required) {
    return appraise(with_command_line("/v " + line), command_line({required})).codes();
  };
  for (const char* required : {"ima_policy=tcb", ".*ima_policy=tcb.*"}) {
    EXPECT_THAT(codes("quiet ima_policy=tcb -- x", required), IsEmpty()) << required;
    EXPECT_THAT(codes("quiet -- ima_policy=tcb", required), Contains("KernelCommandLine"))
        << required;
  }
  // Nor does a line that is allowed allow anything behind it.
  const std::string allowed = "root=/dev/vda1 ro quiet";
  const std::string allowed_line = "/v " + allowed;
  EXPECT_THAT(codes(allowed, allowed_line), IsEmpty());
  for (const std::string& line :
       {allowed + " -- emergency", allowed + " \"--\" --unit=rescue.target",
        "\"" + allowed + "\" -- x", "\"" + allowed + "\" init=/bin/sh", allowed + " --"}) {
    EXPECT_THAT(codes(line, allowed_line), Contains("KernelCommandLine")) << line;
  }
  EXPECT_THAT(codes(allowed + " -- single", allowed_line + " -- single"), IsEmpty());
}

// A file can have any name, and is none of the kernel's arguments.
TEST(CommandLine, HasNoArgumentInTheNameOfAFile) {
  const auto codes = [](const std::string& line, const std::string& required) {
    return appraise(with_command_line(line), command_line({required})).codes();
  };
  for (const char* required : {"ima_policy=tcb", "(.* )?ima_policy=tcb( .*)?"}) {
    EXPECT_THAT(codes("ima_policy=tcb root=/dev/vda1", required), Contains("KernelCommandLine"))
        << required;
    EXPECT_THAT(codes("/vmlinuz ima_policy=tcb", required), IsEmpty()) << required;
    EXPECT_THAT(codes("(hd0)/vmlinuz ima_policy=tcb", required), IsEmpty()) << required;
  }
  EXPECT_THAT(codes("vmlinuz ima_policy=tcb", "ima_policy=tcb"), IsEmpty());  // by network
  const auto command = [](const std::string& text, const std::string& required) {
    PlainLog log = with_command_line("/vmlinuz " + required);
    log.add(log.make(8, kIpl, to_bytes("grub_cmd: " + text), to_bytes(text)));
    return appraise(log, command_line({required})).codes();
  };
  for (const char* text : {"module2 --nounzip quiet x", "multiboot --quirk-bad-kludge quiet x",
                           "chainloader quiet x", "chainloader -f quiet", "chainloader /a quiet",
                           "chainloader (hd0)/a quiet", "a_function quiet=1"}) {
    EXPECT_THAT(command(text, "quiet"), ElementsAre("KernelCommandLine")) << text;
  }
  EXPECT_THAT(command("module2 --nounzip /x quiet", "quiet"), IsEmpty());
  EXPECT_THAT(command("chainloader /vmlinuz a", "/vmlinuz .*"), ElementsAre("KernelCommandLine"));
}

// Expressions with a border before and behind what they ask for.
TEST(CommandLine, SatisfiesNoWholeLineByWhatIsForInitOrInQuotes) {
  const auto codes = [](const std::string& line, const std::string& required) {
    PlainLog log = good_log();
    std::erase_if(log.events, [](const PlainEvent& event) { return event.pcr == 8; });
    log.add(log.make(12, kIpl, to_utf16(line)));
    return appraise(log, command_line({required})).codes();
  };
  const std::string bordered = "(.* )?ima_policy=tcb( .*)?";
  EXPECT_THAT(codes("quiet ima_policy=tcb x", bordered), IsEmpty());
  for (const char* line :
       {"-- ima_policy=tcb", "-- x ima_policy=tcb y", "\"--\" ima_policy=tcb",
        "\"x=a ima_policy=tcb b\"", "x='a ima_policy=tcb b'", "'a ima_policy=tcb b"}) {
    for (const std::string& required : {bordered, std::string(".*ima_policy=tcb.*")}) {
      EXPECT_THAT(codes(line, required), ElementsAre("KernelCommandLine")) << line;
    }
  }
  EXPECT_THAT(codes("x=\"a b\" ima_policy=tcb", "x=\"a b\" ima_policy=tcb"), IsEmpty());
  EXPECT_THAT(codes("x=a\\b ima_policy=tcb", "x=a\\\\b ima_policy=tcb"), IsEmpty());
  // That expressions may have something for init is no word for what it is.
  EXPECT_THAT(codes("quiet -- ima_policy=tcb", bordered + "( -- .*)?"),
              ElementsAre("KernelCommandLine"));
  EXPECT_THAT(codes("quiet ima_policy=tcb -- x", bordered + "( -- .*)?"), IsEmpty());
}

// What an expression leaves free may have one quote more, which turns round all that follow.
TEST(CommandLine, IsNoWholeLineUnlessItsQuotesAreWritten) {
  const auto codes = [](const std::string& line, const std::string& required) {
    PlainLog log = good_log();
    std::erase_if(log.events, [](const PlainEvent& event) { return event.pcr == 8; });
    log.add(log.make(12, kIpl, to_utf16(line)));
    return appraise(log, command_line({required})).codes();
  };
  const std::string rest = " ro dyndbg=\"file tpm* +p\" ima_policy=tcb";
  for (const std::string required :
       {"root=[^ ]+ ro dyndbg=\"file tpm\\* \\+p\" ima_policy=tcb",
        "root=\\S+\\Q ro dyndbg=\"file tpm* +p\" ima_policy\\E=tcb",
        "root=(?:/dev/.+) ro(?: dyndbg=\"file\\ tpm\\*\\ \\+p\")? ima_policy=tcb"}) {
    EXPECT_THAT(codes("root=/dev/vda2" + rest, required), IsEmpty()) << required;
    EXPECT_THAT(codes("root=/dev/vda2\"" + rest, required), ElementsAre("KernelCommandLine"))
        << required;
    EXPECT_THAT(codes("root=/dev/'a" + rest, required), ElementsAre("KernelCommandLine"))
        << required;
    EXPECT_THAT(codes("root=/dev/a\\" + rest, required), ElementsAre("KernelCommandLine"))
        << required;
  }
  // What is written may be half of an argument.
  for (const std::string half : {"dyndbg=\"file", "+p\"", "dyndbg='file", "+p'", "dyndbg=\\"}) {
    const std::string whole = "dyndbg=\"file \\+p\" dyndbg='file \\+p' dyndbg=\\\\ x";
    EXPECT_THAT(codes("root=/dev/vda2 " + half + " ima_policy=tcb",
                      "(.* )?ima_policy=tcb( .*)?( " + whole + ")?"),
                ElementsAre("KernelCommandLine"))
        << half;
  }
  EXPECT_THAT(codes("\"x=a b\" ima_policy=tcb", "(?:\"x=a b\" |)ima_policy=tcb"), IsEmpty());
  // The middle of two is closed by itself.
  EXPECT_THAT(
      codes("root=/y +p\" ima_policy=tcb \"trace=x",
            "([^ ]+ )*ima_policy=tcb( [^ ]+)*|root=/x \"dyndbg=file a \\+p\" ima_policy=tcb "
            "\"trace=x y\""),
      ElementsAre("KernelCommandLine"));
  EXPECT_THAT(codes("x=\\' ima_policy=tcb y=\\'", "x=\\\\'( .*)? y=\\\\'"),
              ElementsAre("KernelCommandLine"));
  EXPECT_THAT(codes("msg=it's ima_policy=tcb", "msg=it's ima_policy=tcb"), IsEmpty());
  // systemd-boot names files with backslashes, which differ among nodes.
  EXPECT_THAT(codes("initrd=\\0123abcd\\6.1.0\\initrd root=/dev/vda2 ima_policy=tcb",
                    "initrd=\\\\[0-9a-f]+\\\\[^ ]+\\\\initrd root=/dev/vda2 ima_policy=tcb"),
              IsEmpty());
  const std::string in_quotes = "root=/dev/vda2 x=\"a ima_policy=tcb b";
  for (const std::string required :
       {"(.* )?ima_policy=tcb( [^\"]*)?", "(.* )?\"?ima_policy=tcb\"?( .*)?",
        "(.* )?ima_policy=tcb( .*)?( [x=\"a z])?", "(.* )?ima_policy=tcb( .*)?( x=\"a?)?"}) {
    EXPECT_THAT(codes(in_quotes, required), ElementsAre("KernelCommandLine")) << required;
    EXPECT_THAT(codes(in_quotes + "\"", required), ElementsAre("KernelCommandLine")) << required;
    EXPECT_THAT(codes("\" ima_policy=tcb", required), ElementsAre("KernelCommandLine")) << required;
  }
}

TEST(CommandLine, OfSystemdHasNoNameOfAFile) {
  PlainLog log = good_log();
  std::erase_if(log.events, [](const PlainEvent& event) { return event.pcr == 8; });
  log.add(log.make(8, kIpl, to_utf16("ima_policy=tcb quiet")));
  EXPECT_TRUE(appraise(log, command_line({"ima_policy=tcb"})).accepted());
}

// Nobody vouches for the prefix: it says that "敳⁴=1 init=/bin/sh", as systemd-boot measures it,
// is a `set` of GRUB's.
TEST(CommandLine, IsUnknownWhereGrubsPrefixStandsBeforeWhatGrubNeverMeasures) {
  PlainLog log = with_command_line("/vmlinuz quiet");
  Bytes wide = to_bytes("set ");
  append(wide, to_utf16("=1 init=/bin/sh"));
  Bytes shown = to_bytes("grub_cmd: ");
  append(shown, wide);
  append(shown, Bytes{0});
  log.add(log.make(8, kIpl, shown, wide));
  EXPECT_THAT(appraise(log, command_line({"quiet"})).codes(),
              ElementsAre("KernelCommandLineUnproven"));
}

TEST(CommandLine, ThatCannotBeReadIsRefusedWithReferencesToo) {
  for (const std::string& line : {std::string("/vmlinuz \xc3\xa9 initrd=\\evil.img"),
                                  "/vmlinuz initrd=x " + std::string(kMaxCommandLine, 'a')}) {
    const PlainLog log = with_command_line(line);
    EXPECT_THAT(appraise(log, optional_secure_boot(), references_of(manifest_of(log))).codes(),
                Contains("KernelCommandLineUnproven"));
    EXPECT_TRUE(appraise(log, optional_secure_boot()).accepted());
  }
}

TEST(CommandLine, MayBeBesideACredentialThatIsKnown) {
  PlainLog log = good_log();
  log.add(log.make(12, kIpl, to_bytes("Credentials initrd"), to_bytes("its bytes")));
  const auto codes = [&](const PlainLog& of) {
    return appraise(log, command_line({"quiet"}), references_of(manifest_of(of))).codes();
  };
  EXPECT_THAT(codes(log), IsEmpty());
  EXPECT_THAT(codes(good_log()), Contains("KernelCommandLineUnproven"));
  EXPECT_THAT(appraise(log, command_line({"quiet"})).codes(),
              ElementsAre("KernelCommandLineUnproven"));
}

}  // namespace
}  // namespace avouch::bootlog
