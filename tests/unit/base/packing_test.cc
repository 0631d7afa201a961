#include "base/packing.h"

#include <gtest/gtest.h>

#include <limits>
#include <tuple>

namespace avouch {

struct Pair {
  int a = 0;
  std::optional<std::string> b;
  bool operator==(const Pair&) const = default;
};
void visit(auto& archive, Is<Pair> auto& x) { archive(x.a, x.b); }

namespace {

enum class Colour : std::uint8_t { kRed, kBlue = 200 };
using Times = std::pair<std::chrono::steady_clock::time_point, std::chrono::milliseconds>;

TEST(Packing, GivesEveryKindOfValueBack) {
  const std::int8_t small = -128;
  const auto large = std::numeric_limits<std::uint64_t>::max();
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const std::map<std::string, std::vector<Pair>, std::less<>> map = {{"", {}},
                                                                     {"x", {{1, "one"}, {-2, {}}}}};
  const std::array<std::int8_t, 3> array = {-1, 0, 127};
  const Boxed<Pair> none, box(Pair{7, std::string("\0z", 2)});
  const std::shared_ptr<const Pair> null, pointer = std::make_shared<const Pair>(Pair{1, ""});
  const Shared<Pair> shared(Pair{3, {}});
  const Times times{std::chrono::steady_clock::time_point::max(), std::chrono::milliseconds(-5)};
  Packer out;
  out(small, large, least, true, Colour::kBlue, map, array, none, box, null, pointer, shared,
      Bytes{1, 2}, times.first, times.second);
  const Bytes packed = std::move(out).finish();

  std::tuple<std::int8_t, std::uint64_t, std::int64_t, bool, Colour,
             std::map<std::string, std::vector<Pair>, std::less<>>, std::array<std::int8_t, 3>,
             Boxed<Pair>, Boxed<Pair>, std::shared_ptr<const Pair>, std::shared_ptr<const Pair>,
             Shared<Pair>, Bytes, std::chrono::steady_clock::time_point, std::chrono::milliseconds>
      got;
  Unpacker in(packed);
  std::apply(in, got);
  in.finish();
  EXPECT_EQ(std::get<0>(got), small);
  EXPECT_EQ(std::get<1>(got), large);
  EXPECT_EQ(std::get<2>(got), least);
  EXPECT_TRUE(std::get<3>(got));
  EXPECT_EQ(std::get<4>(got), Colour::kBlue);
  EXPECT_EQ(std::get<5>(got), map);
  EXPECT_EQ(std::get<6>(got), array);
  EXPECT_FALSE(std::get<7>(got).has_value());
  EXPECT_TRUE(std::get<8>(got) == box);
  EXPECT_EQ(std::get<9>(got), nullptr);
  EXPECT_EQ(*std::get<10>(got), *pointer);
  EXPECT_TRUE(std::get<11>(got) == shared);
  EXPECT_EQ(std::get<12>(got), (Bytes{1, 2}));
  EXPECT_EQ(std::get<13>(got), times.first);
  EXPECT_EQ(std::get<14>(got), times.second);
}

TEST(Packing, OfWhatBreaksOffOrGoesOnIsAnException) {
  Packer out;
  const std::vector<Pair> values = {{1, "one"}, {2, {}}};
  out(values);
  Bytes packed = std::move(out).finish();
  for (std::size_t size = 0; size < packed.size(); ++size) {
    Unpacker in(ByteView(packed).first(size));
    EXPECT_THROW(in.take<std::vector<Pair>>(), std::runtime_error) << size;
  }
  packed.push_back(0);
  Unpacker in(packed);
  EXPECT_EQ(in.take<std::vector<Pair>>(), values);
  EXPECT_THROW(in.finish(), std::runtime_error);
}

}  // namespace
}  // namespace avouch
