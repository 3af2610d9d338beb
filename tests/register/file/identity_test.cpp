// The bytes of gtrids and bquals: they are in servers' catalogues and must mean the same in every
// later version. And their short texts, which are in people's logs.

#include <catch.hpp>
#include <register/identity.hpp>
#include <set>
#include <xabridge/xid.hpp>

using namespace xabridge;
using namespace xabridge::tm;
using namespace std::string_literals;

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

const std::string kLead = "ffffffffffffffff02";
const std::string kSampleHex =
    kLead + "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf0102f0f1f2f3f4f5f6f71122334455667788646231" +
    std::string(2 * 18, '0');
const std::string kBqualHex = kLead + "037067" + std::string(2 * 52, '0');

}  // namespace

TEST_CASE("gtrid_has_the_documented_bytes") {
  CHECK(kFormatId == 2147483647);
  CHECK(to_hex(sample().encode()) == kSampleHex);
  CHECK(Gtrid::decode(*from_hex(kSampleHex)) == sample());
  CHECK(sample().encode().starts_with(sample().prefix()));
  CHECK(sample().prefix().size() == 35);
}

TEST_CASE("bqual_has_the_documented_bytes") {
  CHECK(to_hex(make_bqual(3, "pg")) == kBqualHex);
  CHECK(Bqual::decode(*from_hex(kBqualHex)) == Bqual{3, "pg"});
  CHECK(bqual_name(make_bqual(3, "pg")) == "pg"s);
}

// What MySQL needs: see identity.hpp.
TEST_CASE("every_xid_is_as_large_as_an_xid_can_be_in_every_part") {
  for (const std::string& host : {""s, "h"s, std::string(kMaxHostLength + 7, 'h')}) {
    for (const std::string& name : {"n"s, std::string(kMaxNameLength, 'n')}) {
      Gtrid gtrid = sample();
      gtrid.host = host;
      const auto xid = Xid::make(kFormatId, gtrid.encode(), make_bqual(255, name));
      REQUIRE(xid);
      CHECK(xid->gtrid().size() == 64);
      CHECK(xid->bqual().size() == 64);
      CHECK(xid->gtrid().starts_with(std::string(8, '\xff')));
      CHECK(xid->bqual().starts_with(std::string(8, '\xff')));
      CHECK(xid->to_gid().size() == 188);  // PostgreSQL takes 199
      CHECK(Gtrid::decode(xid->gtrid())->host == host.substr(0, kMaxHostLength));
      CHECK(bqual_name(xid->bqual()) == name);
    }
  }
}

TEST_CASE("branches_of_one_transaction_differ_in_their_bquals") {
  std::set<std::string> all;
  for (unsigned number = 1; number <= 255; ++number) {
    for (const char* name : {"a", "b"})
      all.insert(make_bqual(static_cast<std::uint8_t>(number), name));
  }
  CHECK(all.size() == 2 * 255);
}

TEST_CASE("host_with_a_zero_ends_there") {
  Gtrid gtrid = sample();
  gtrid.host = "db\0x"s;
  CHECK(Gtrid::decode(gtrid.encode())->host == "db");
}

TEST_CASE("what_the_encoders_would_not_have_written_is_not_decoded") {
  const std::string gtrid = sample().encode();
  const std::string bqual = make_bqual(3, "pg");
  const auto changed = [](std::string bytes, std::size_t at, char to) {
    bytes[at] = to;
    return bytes;
  };
  for (std::size_t size = 0; size < 64; ++size) {
    CHECK_FALSE(Gtrid::decode(gtrid.substr(0, size)));
    CHECK_FALSE(Bqual::decode(bqual.substr(0, size)));
  }
  CHECK_FALSE(Gtrid::decode(gtrid + "\0"s));
  CHECK_FALSE(Bqual::decode(bqual + "\0"s));
  for (std::size_t at = 0; at < 9; ++at) {  // lead and version
    CHECK_FALSE(Gtrid::decode(changed(gtrid, at, '\x01')));
    CHECK_FALSE(Bqual::decode(changed(bqual, at, '\x01')));
  }
  for (std::size_t at = 47; at < 64; ++at) CHECK_FALSE(Gtrid::decode(changed(gtrid, at, 'x')));
  for (std::size_t at = 13; at < 64; ++at) CHECK_FALSE(Bqual::decode(changed(bqual, at, 'x')));
  CHECK_FALSE(Bqual::decode(changed(bqual, 9, '\0')));   // number
  CHECK_FALSE(Bqual::decode(changed(bqual, 10, '\0')));  // a zero before the name
  CHECK_FALSE(Bqual::decode(make_bqual(1, "")));
  // A host or a name that is too long.
  CHECK_FALSE(Gtrid::decode(gtrid.substr(0, 43) + std::string(21, 'h')));
  CHECK_FALSE(Bqual::decode(bqual.substr(0, 10) + std::string(33, 'n') + std::string(21, '\0')));
  // As they were before.
  CHECK_FALSE(Gtrid::decode("\x01"s + gtrid.substr(9, 37)));
  CHECK_FALSE(bqual_name("\x03pg"));
}

TEST_CASE("a_byte_that_differs_gives_another_gtrid_or_none") {
  const std::string good = sample().encode();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string other = good;
    other[at] = static_cast<char>(other[at] ^ 1);
    const auto decoded = Gtrid::decode(other);
    if (decoded) CHECK(decoded->encode() == other);
    CHECK_FALSE(decoded == sample());
  }
}

TEST_CASE("people_see_incarnation_and_sequence") {
  const std::string text = "f0f1f2f3f4f5f6f7-1234605616436508552";
  CHECK(transaction_text(sample().encode()) == text);
  CHECK(TransactionName::parse(text) == TransactionName{sample().incarnation, sample().sequence});
  CHECK(TransactionName::parse("0000000000000000-0") == TransactionName{});
  CHECK(TransactionName::parse("ffffffffffffffff-18446744073709551615")->sequence == UINT64_MAX);
  // Of another layout: everything.
  CHECK(transaction_text("ab") == "6162");
  CHECK(transaction_text("") == "");
}

TEST_CASE("a_text_that_names_no_transaction_is_not_parsed") {
  for (const char* text :
       {"", "-", "f0f1f2f3f4f5f6f7", "f0f1f2f3f4f5f6f7-", "f0f1f2f3f4f5f6-7", "f0f1f2f3f4f5f6f7_1",
        "F0F1f2f3f4f5f6f7-1", "f0f1f2f3f4f5f6fg-1", "f0f1f2f3f4f5f6f7-01", "f0f1f2f3f4f5f6f7-+1",
        "f0f1f2f3f4f5f6f7--1", "f0f1f2f3f4f5f6f7-1 ", " f0f1f2f3f4f5f6f7-1", "f0f1f2f3f4f5f6f7-a",
        "f0f1f2f3f4f5f6f7-18446744073709551616", "f0f1f2f3f4f5f6f7f8-1"}) {
    INFO(text);
    CHECK_FALSE(TransactionName::parse(text));
  }
}

TEST_CASE("a_branch_of_ours_is_shown_by_its_transaction_and_any_other_whole") {
  const std::string gtrid = sample().encode();
  const std::string bqual = make_bqual(1, "pg");
  CHECK(branch_text(*Xid::make(kFormatId, gtrid, bqual)) == transaction_text(gtrid));
  for (const Xid& other : {*Xid::make(7, gtrid, bqual), *Xid::make(kFormatId, "g", bqual),
                           *Xid::make(kFormatId, gtrid, "b")})
    CHECK(branch_text(other) == other.to_string());
}

TEST_CASE("owner_tag_names_register_and_incarnation") {
  CHECK(owner_tag(sample().register_id, sample().incarnation) ==
        "xabridge/a0a1a2a3a4a5a6a7a8a9aaabacadaeaf/f0f1f2f3f4f5f6f7");
}
