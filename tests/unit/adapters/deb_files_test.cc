#include "adapters/deb_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/adapters/recorded_files.h"
#include "tests/unit/adapters/scratch_folder.h"

namespace avouch::adapters {
namespace {

using Files = std::map<std::string, std::string>;

struct Member {
  std::string path, content;
  int type = AE_IFREG;
  std::string link = {};
};

using Filter = std::function<int(archive*)>;

// A tar of the members under the filter, in memory.
std::string tar_of(const std::vector<Member>& members, const Filter& filter) {
  std::string out(8 << 20, '\0');
  std::size_t used = 0;
  archive* writer = archive_write_new();
  archive_write_set_format_gnutar(writer);
  EXPECT_EQ(filter(writer), ARCHIVE_OK);
  archive_write_set_bytes_in_last_block(writer, 1);
  EXPECT_EQ(archive_write_open_memory(writer, out.data(), out.size(), &used), ARCHIVE_OK);
  for (const Member& each : members) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, each.path.c_str());
    archive_entry_set_filetype(entry, static_cast<unsigned>(each.type));
    archive_entry_set_perm(entry, 0755);
    archive_entry_set_size(entry, static_cast<la_int64_t>(each.content.size()));
    if (!each.link.empty() && each.type == AE_IFLNK)
      archive_entry_set_symlink(entry, each.link.c_str());
    if (!each.link.empty() && each.type == AE_IFREG)
      archive_entry_set_hardlink(entry, each.link.c_str());
    EXPECT_EQ(archive_write_header(writer, entry), ARCHIVE_OK) << archive_error_string(writer);
    archive_write_data(writer, each.content.data(), each.content.size());
    archive_entry_free(entry);
  }
  EXPECT_EQ(archive_write_close(writer), ARCHIVE_OK);
  archive_write_free(writer);
  out.resize(used);
  return out;
}

// ar(5), as dpkg-deb writes it.
std::string ar_of(const std::vector<std::pair<std::string, std::string>>& members) {
  std::string out = "!<arch>\n";
  for (const auto& [name, content] : members) {
    const auto field = [&](std::string text, std::size_t width) {
      text.resize(width, ' ');
      out += text;
    };
    field(name, 16);
    field("0", 12);
    field("0", 6);
    field("0", 6);
    field("100644", 8);
    field(std::to_string(content.size()), 10);
    out += "`\n" + content;
    if (content.size() % 2 == 1) out += '\n';
  }
  return out;
}

std::string deb_of(const std::string& data_name, const std::string& data) {
  return ar_of({{"debian-binary", "2.0\n"}, {"control.tar.xz", "not read"}, {data_name, data}});
}

const std::vector<Member> kMembers = {{"./", "", AE_IFDIR},
                                      {"./usr/bin/env", "env"},
                                      {"./etc/empty", ""},
                                      {"./usr/bin/link", "", AE_IFLNK, "env"},
                                      {"./usr/bin/again", "", AE_IFREG, "./usr/bin/env"}};
const Files kFiles = {{"/usr/bin/env", "env"}, {"/etc/empty", ""}};

Result<void> read_deb(const std::string& bytes, RecordedFiles& seen, const DebLimits& limits = {}) {
  const ScratchFolder scratch;
  return DebFiles(scratch.write("a.deb", bytes), limits).read(seen);
}

std::string refusal(const std::string& bytes, const DebLimits& limits = {}) {
  RecordedFiles seen;
  const auto read = read_deb(bytes, seen, limits);
  return read.has_value() ? "accepted" : read.error().message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(DebFiles, GivesTheRegularFilesUnderEveryCompression) {
  const std::vector<std::pair<std::string, Filter>> filters = {
      {"data.tar", archive_write_add_filter_none},
      {"data.tar.gz", archive_write_add_filter_gzip},
      {"data.tar.xz", archive_write_add_filter_xz},
      {"data.tar.zst", archive_write_add_filter_zstd},
      {"data.tar.bz2", archive_write_add_filter_bzip2}};
  for (const auto& [name, filter] : filters) {
    RecordedFiles seen;
    const auto read = read_deb(deb_of(name, tar_of(kMembers, filter)), seen);
    ASSERT_TRUE(read.has_value()) << name << ": " << read.error().message;
    EXPECT_EQ(seen.files, kFiles) << name;
  }
}

TEST(DebFiles, RefusesWhatIsNoPackage) {
  EXPECT_TRUE(has(refusal(""), "no Debian package"));
  EXPECT_TRUE(has(refusal("just text, and not so little of it"), "no Debian package"));
  EXPECT_TRUE(has(refusal(ar_of({{"hello", "2.0\n"}})), "debian-binary"));
  EXPECT_TRUE(has(refusal(ar_of({{"debian-binary", "3.0\n"}})), "debian-binary"));
  EXPECT_TRUE(has(refusal(ar_of({{"debian-binary", "2.0\n"}})), "no data.tar"));
  const std::string tar = tar_of(kMembers, archive_write_add_filter_none);
  EXPECT_TRUE(
      has(refusal(ar_of({{"debian-binary", "2.0\n"}, {"data.tar", tar}, {"data.tar", tar}})),
          "two data.tar"));
  EXPECT_TRUE(has(refusal(deb_of("data.tar.lz4", "x")), "expected data.tar"));
}

TEST(DebFiles, SaysThatThereIsNoSuchFile) {
  RecordedFiles seen;
  const auto read = DebFiles("/nonexistent/a.deb").read(seen);
  ASSERT_FALSE(read.has_value());
  EXPECT_TRUE(has(read.error().message, "/nonexistent/a.deb")) << read.error().message;
}

TEST(DebFiles, RefusesEveryTruncation) {
  const std::string whole = deb_of("data.tar.xz", tar_of(kMembers, archive_write_add_filter_xz));
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    RecordedFiles seen;
    EXPECT_FALSE(read_deb(whole.substr(0, size), seen).has_value()) << size;
  }
}

TEST(DebFiles, RefusesPathsThatLeaveTheRoot) {
  for (const char* path : {"../etc/passwd", "./usr/../../etc/passwd", "/..", "./.."}) {
    const auto tar = tar_of({{path, "x"}}, archive_write_add_filter_none);
    EXPECT_TRUE(has(refusal(deb_of("data.tar", tar)), "no path of an installed file")) << path;
  }
}

TEST(DebFiles, BoundsEntriesBytesAndPaths) {
  const auto zeros = tar_of({{"./zeros", std::string(4 << 20, '\0')}}, archive_write_add_filter_xz);
  ASSERT_LT(zeros.size(), 10'000U);  // a small bomb
  EXPECT_TRUE(has(refusal(deb_of("data.tar.xz", zeros), {.bytes = 1 << 20}), "bytes unpacked"));
  const auto some = tar_of(kMembers, archive_write_add_filter_none);
  EXPECT_TRUE(has(refusal(deb_of("data.tar", some), {.entries = 4}), "more than 4 entries"));
  const auto deep = tar_of({{std::string(5000, 'a'), "x"}}, archive_write_add_filter_none);
  EXPECT_TRUE(has(refusal(deb_of("data.tar", deep)), "no path of an installed file"));
}

TEST(DebFiles, DoesNotOpenOneArchiveWithinAnother) {
  // gzip within gzip: only the outer one is that of the member's name.
  const auto inner = tar_of(kMembers, archive_write_add_filter_gzip);
  const auto outer = tar_of({{"./data.tar.gz", inner}}, archive_write_add_filter_gzip);
  RecordedFiles seen;
  ASSERT_TRUE(read_deb(deb_of("data.tar.gz", outer), seen).has_value());
  EXPECT_EQ(seen.files, (Files{{"/data.tar.gz", inner}}));
}

}  // namespace
}  // namespace avouch::adapters
