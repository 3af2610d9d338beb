// The bytes of gtrids and bquals: they are in servers' catalogues and must mean the same in every
// later version.

#include <catch.hpp>
#include <identity.hpp>
#include <xabridge/xid.hpp>

using namespace xabridge;
using namespace xabridge::tm;

namespace {

Gtrid sample() {
  Gtrid gtrid;
  for (std::uint8_t i = 0; i < 16; ++i) gtrid.register_id[i] = static_cast<std::uint8_t>(0xa0 + i);
  gtrid.slot = 0x0102;
  for (std::uint8_t i = 0; i < 8; ++i) gtrid.incarnation[i] = static_cast<std::uint8_t>(0xf0 + i);
  gtrid.sequence = 0x1122334455667788;
  gtrid.host = "db1";
  return gtrid;
}

constexpr const char* kSampleHex =
    "01a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0102f0f1f2f3f4f5f6f71122334455667788646231";

}  // namespace

TEST_CASE("gtrid_has_the_documented_bytes") {
  CHECK(to_hex(sample().encode()) == kSampleHex);
  CHECK(Gtrid::decode(*from_hex(kSampleHex)) == sample());
}

TEST_CASE("gtrid_with_the_longest_host_fits_an_xid") {
  Gtrid gtrid = sample();
  gtrid.host = std::string(kMaxHostLength + 7, 'h');
  const std::string bytes = gtrid.encode();
  CHECK(bytes.size() == 35 + kMaxHostLength);
  const std::string bqual = make_bqual(255, std::string(kMaxNameLength, 'n'));
  REQUIRE(Xid::make(kFormatId, bytes, bqual));
  CHECK(Xid::make(kFormatId, bytes, bqual)->to_gid().size() < 200);
}

TEST_CASE("gtrid_of_another_layout_is_not_decoded") {
  const std::string good = sample().encode();
  CHECK_FALSE(Gtrid::decode(""));
  CHECK_FALSE(Gtrid::decode(good.substr(0, 34)));
  CHECK(Gtrid::decode(good.substr(0, 35)));
  CHECK_FALSE(Gtrid::decode(good + std::string(18, 'x')));
  std::string other = good;
  other[0] = 2;
  CHECK_FALSE(Gtrid::decode(other));
}

TEST_CASE("bqual_carries_branch_number_and_name") {
  CHECK(to_hex(make_bqual(3, "pg")) == "037067");
  CHECK(bqual_name(make_bqual(3, "pg")) == std::string("pg"));
  CHECK_FALSE(bqual_name(""));
  CHECK_FALSE(bqual_name("\x01"));
  CHECK_FALSE(bqual_name(std::string("\0pg", 3)));
  CHECK_FALSE(bqual_name("\x01" + std::string(kMaxNameLength + 1, 'n')));
}

TEST_CASE("owner_tag_names_register_and_incarnation") {
  CHECK(owner_tag(sample().register_id, sample().incarnation) ==
        "xabridge/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf/f0f1f2f3f4f5f6f7");
}
