// Xid: validity, equality, and text forms whose decoders accept exactly what the encoders write.

#include <compare>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <xabridge/xid.hpp>

#include "catch.hpp"

using namespace xabridge;
using namespace std::string_view_literals;

namespace {

std::string bytes(std::mt19937& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random() & 0xffU);
  return text;
}

}  // namespace

TEST_CASE("An Xid is made from valid parts only") {
  const std::string longest(64, 'x'), too_long(65, 'x');
  CHECK(Xid::make(0, "g", "b"));
  CHECK(Xid::make(1, longest, longest));
  CHECK(Xid::make(1, "g", ""));  // servers list such XIDs
  CHECK_FALSE(Xid::make(-1, "g", "b"));
  CHECK(Xid::make(-2, "g", "b"));
  CHECK(Xid::make(std::numeric_limits<long>::min(), longest, longest)->to_gid().size() < 200);
  CHECK_FALSE(Xid::make(1, "", "b"));
  CHECK_FALSE(Xid::make(1, too_long, "b"));
  CHECK_FALSE(Xid::make(1, "g", too_long));
}

TEST_CASE("A foreign struct is checked before it is believed") {
  CHECK_FALSE(Xid::from(nullptr));
  XID xid{};
  xid.formatID = 1;
  for (const long length : {-1L, 0L, 65L, 1L << 40}) {
    xid.gtrid_length = length;
    xid.bqual_length = 1;
    CHECK_FALSE(Xid::from(&xid));
  }
  for (const long length : {-1L, 65L, 1L << 40}) {
    xid.gtrid_length = 1;
    xid.bqual_length = length;
    CHECK_FALSE(Xid::from(&xid));
  }
  xid.bqual_length = 1;
  CHECK(Xid::from(&xid));
  xid.formatID = -1;
  CHECK_FALSE(Xid::from(&xid));
  xid.formatID = -2;
  CHECK(Xid::from(&xid));
}

TEST_CASE("A negative formatID is read as it is written") {
  for (const long format : {-2L, -10L, -2147483648L, std::numeric_limits<long>::min()}) {
    const auto xid = *Xid::make(format, "g", "b");
    CHECK(xid.to_gid() == std::to_string(format) + "_Zw==_Yg==");
    CHECK(Xid::from_gid(xid.to_gid()) == xid);
    CHECK(Xid::parse(xid.to_string()) == xid);
    CHECK(Xid::from(&xid.raw()) == xid);
  }
  for (const char* const text : {"-1_Zw==_Yg==", "-_Zw==_Yg==", "-0_Zw==_Yg==", "-02_Zw==_Yg==",
                                 "--2_Zw==_Yg==", "+2_Zw==_Yg==", "-9223372036854775809_Zw==_Yg=="})
    CHECK_FALSE(Xid::from_gid(text));
}

TEST_CASE("Equality sees format and lengths and the bytes in use") {
  const auto a = *Xid::make(1, "ab", "c");
  XID other = a.raw();
  std::memset(other.data + 3, 0x55, XIDDATASIZE - 3);
  CHECK(a == *Xid::from(&other));
  CHECK(std::hash<Xid>{}(a) == std::hash<Xid>{}(*Xid::from(&other)));
  CHECK(a != *Xid::make(2, "ab", "c"));
  CHECK(a != *Xid::make(1, "a", "bc"));
  CHECK(a != *Xid::make(1, "ab", "d"));
  CHECK(std::is_lt(a <=> *Xid::make(1, "ab", "d")));
  CHECK(std::is_lt(a <=> *Xid::make(1, "b", "a")));
  CHECK(std::is_gt(*Xid::make(2, "a", "a") <=> a));
}

TEST_CASE("The text forms are the documented ones") {
  const auto xid = *Xid::make(1119, "\x00\xff'"sv, "ab");
  CHECK(xid.to_gid() == "1119_AP8n_YWI=");
  CHECK(xid.to_mysql() == "X'00ff27',X'6162',1119");
  CHECK(xid.to_string() == "1119:00ff27:6162");
  CHECK(Xid::parse("1119:00FF27:6162") == xid);
  CHECK(Xid::make(-2, "a", "b")->to_mysql() == "X'61',X'62',0xfffffffe");
  // More bits than a server keeps, and still nobody else's text.
  CHECK(Xid::make(-4294967298, "a", "b")->to_mysql() == "X'61',X'62',-4294967298");
  CHECK(from_hex(to_hex("\x00\xff"sv)) == "\x00\xff"sv);
  CHECK_FALSE(from_hex("0"));
  CHECK_FALSE(from_hex("0g"));
}

TEST_CASE("Every Xid survives its text forms") {
  std::mt19937 random(1);
  for (std::size_t gtrid = 1; gtrid <= 64; ++gtrid)
    for (std::size_t bqual = 0; bqual <= 64; bqual += 7) {
      const long format = static_cast<long>((std::uint64_t{random()} << 31U) + random());
      const auto xid = Xid::make(format, bytes(random, gtrid), bytes(random, bqual));
      REQUIRE(xid);
      REQUIRE(xid->to_gid().size() < 200);
      REQUIRE(Xid::from_gid(xid->to_gid()) == xid);
      REQUIRE(Xid::parse(xid->to_string()) == xid);
    }
  const auto largest = Xid::make(std::numeric_limits<long>::max(), "g", "b");
  CHECK(Xid::from_gid(largest->to_gid()) == largest);
}

TEST_CASE("A gid that to_gid would not have written is no XID") {
  REQUIRE(Xid::from_gid("1_YQ==_Yg=="));
  for (const std::string_view gid : {""sv,
                                     "_"sv,
                                     "__"sv,
                                     "1"sv,
                                     "1_YQ=="sv,
                                     "1_YQ==_"sv.substr(0, 6),
                                     "1__Yg=="sv,
                                     "_YQ==_Yg=="sv,
                                     "-1_YQ==_Yg=="sv,
                                     "+1_YQ==_Yg=="sv,
                                     " 1_YQ==_Yg=="sv,
                                     "01_YQ==_Yg=="sv,
                                     "00_YQ==_Yg=="sv,
                                     "1x_YQ==_Yg=="sv,
                                     "0x1_YQ==_Yg=="sv,
                                     "9223372036854775808_YQ==_Yg=="sv,
                                     "99999999999999999999999_YQ==_Yg=="sv,
                                     "1_YQ=_Yg=="sv,
                                     "1_YQ_Yg=="sv,
                                     "1_YQ==_Yg"sv,
                                     "1_YQ===_Yg=="sv,
                                     "1_Y===_Yg=="sv,
                                     "1_====_Yg=="sv,
                                     "1_YR==_Yg=="sv,
                                     "1_YWJ=_Yg=="sv,
                                     "1_YQ==YQ==_Yg=="sv,
                                     "1_Y-==_Yg=="sv,
                                     "1_YQ==_Yg==_"sv,
                                     "1_YQ==_Yg==_Yg=="sv,
                                     "1_YQ==_Yg== "sv,
                                     "1_YQ==\n_Yg=="sv,
                                     "1_YQ=\0_Yg=="sv,
                                     "1_\xc3\xa4==_Yg=="sv,
                                     "1_Y=Q=_Yg=="sv}) {
    INFO(gid);
    CHECK_FALSE(Xid::from_gid(gid));
  }
  const std::string sixty_six(88, 'A');  // 66 zero bytes
  CHECK_FALSE(Xid::from_gid("1_" + sixty_six + "_Yg=="));
  CHECK_FALSE(Xid::from_gid("1_YQ==_" + sixty_six));
  CHECK_FALSE(Xid::from_gid("1_" + std::string(1 << 20, 'A') + "_Yg=="));
}

TEST_CASE("Damaging any character of a gid gives another XID or none") {
  const auto xid = *Xid::make(42, "global transaction", "branch");
  const std::string gid = xid.to_gid();
  for (std::size_t at = 0; at < gid.size(); ++at)
    for (int c = 0; c < 256; ++c) {
      std::string damaged = gid;
      damaged[at] = static_cast<char>(c);
      const auto read = Xid::from_gid(damaged);
      if (damaged != gid && read) REQUIRE(*read != xid);
      if (read) REQUIRE(read->to_gid() == damaged);
    }
}

TEST_CASE("The hexadecimal form is read as strictly") {
  REQUIRE(Xid::parse("1:61:62"));
  for (const std::string_view text :
       {""sv, "1"sv, "1:61"sv, "1::62"sv, "1:6:62"sv, "1:61:6"sv, "1:61:62:"sv, "01:61:62"sv,
        "-1:61:62"sv, "1:6g:62"sv, "1: 61:62"sv, "1:61:62 "sv}) {
    INFO(text);
    CHECK_FALSE(Xid::parse(text));
  }
}
