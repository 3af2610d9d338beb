// Encode and decode, one field list per record.

#include "log_format.hpp"

#include <concepts>

#include "crc32c.hpp"
#include "fields.hpp"

namespace xabridge::tm {
namespace {

constexpr std::string_view kMagic = "XABL";
constexpr std::size_t kRecordHeaderSize = 5;

template <class T, class Plain>
concept Maybe = std::same_as<std::remove_const_t<T>, Plain>;

template <class Io, Maybe<SegmentRecord> R>
void fields(Io& io, R& record) {
  io.integer(record.size);
  io.fixed(record.register_id);
  io.integer(record.slot);
  io.time(record.created_at);
}

template <class Io, Maybe<OldDecisionRecord> R>
void fields(Io& io, R& record) {
  io.time(record.decided_at);
  io.template bytes<std::uint8_t>(record.gtrid);
  io.template list<std::uint16_t>(record.participants, [&](auto& participant) {
    io.template bytes<std::uint8_t>(participant.resource_manager);
    io.template bytes<std::uint8_t>(participant.bqual);
  });
  if constexpr (!std::is_const_v<R>) record.servers_recorded = false;
}

template <class Io, Maybe<DecisionRecord> R>
void fields(Io& io, R& record) {
  io.time(record.decided_at);
  io.template bytes<std::uint8_t>(record.gtrid);
  io.template list<std::uint16_t>(record.participants, [&](auto& participant) {
    io.template bytes<std::uint8_t>(participant.resource_manager);
    io.template bytes<std::uint8_t>(participant.bqual);
    io.template bytes<std::uint8_t>(participant.server);
  });
}

template <class Io, Maybe<FinishedRecord> R>
void fields(Io& io, R& record) {
  io.time(record.decided_at);
  io.template bytes<std::uint8_t>(record.gtrid);
}

template <class Io, Maybe<GivenUpRecord> R>
void fields(Io& io, R& record) {
  io.time(record.at);
  io.template bytes<std::uint8_t>(record.gtrid);
  io.template bytes<std::uint8_t>(record.resource_manager);
  io.template bytes<std::uint8_t>(record.bqual);
  io.template bytes<std::uint8_t>(record.who);
}

template <class Io, Maybe<EvidenceRecord> R>
void fields(Io& io, R& record) {
  io.template bytes<std::uint8_t>(record.gtrid);
  io.template bytes<std::uint8_t>(record.resource_manager);
  io.template bytes<std::uint8_t>(record.bqual);
  io.template bytes<std::uint8_t>(record.server);
}

template <class Io, Maybe<DoneRecord> R>
void fields(Io& io, R& record) {
  io.template bytes<std::uint8_t>(record.gtrid);
}

void decision_field(FieldWriter& io, Decision decision) {
  io.integer(static_cast<std::uint8_t>(decision == Decision::commit ? 0 : 1));
}
void decision_field(FieldReader& io, Decision& decision) {
  std::uint8_t value = 0;
  io.integer(value);
  if (value > 1) (void)io.take(SIZE_MAX);  // no such decision: turns ok() false
  decision = value == 0 ? Decision::commit : Decision::rollback;
}

template <class Io, Maybe<HeuristicRecord> R>
void fields(Io& io, R& record) {
  io.time(record.seen_at);
  io.template bytes<std::uint8_t>(record.gtrid);
  io.template bytes<std::uint8_t>(record.resource_manager);
  io.template bytes<std::uint8_t>(record.bqual);
  decision_field(io, record.decision);
  io.integer(record.code);
  io.template bytes<std::uint16_t>(record.text);
}

template <class Io, Maybe<AcknowledgedRecord> R>
void fields(Io& io, R& record) {
  io.time(record.at);
  io.template bytes<std::uint8_t>(record.gtrid);
  io.template bytes<std::uint8_t>(record.who);
}

template <class Io, Maybe<BatchHeader> R>
void fields(Io& io, R& header) {
  io.integer(header.crc);
  io.integer(header.version);
  auto kind = static_cast<std::uint16_t>(header.kind);
  io.integer(kind);
  if constexpr (!std::is_const_v<R>) header.kind = static_cast<BatchKind>(kind);
  io.integer(header.length);
  io.integer(header.segment);
  io.integer(header.salt);
  io.integer(header.number);
  io.integer(header.records);
  std::uint32_t zero = 0;
  io.integer(zero);
}

template <class R, std::size_t Index = 0>
constexpr std::size_t index_of() {
  if constexpr (std::same_as<R, std::variant_alternative_t<Index, Record>>)
    return Index;
  else
    return index_of<R, Index + 1>();
}

template <class R>
bool append(std::string& batch, const R& record) {
  const std::size_t start = batch.size();
  batch += static_cast<char>(index_of<R>() + 1);
  batch.append(4, '\0');
  FieldWriter io(batch);
  fields(io, record);
  if (!io.ok()) {
    batch.resize(start);
    return false;
  }
  std::string length;
  FieldWriter(length).integer(static_cast<std::uint32_t>(batch.size() - start - kRecordHeaderSize));
  batch.replace(start + 1, 4, length);
  return true;
}

template <std::size_t Index = 0>
std::optional<Record> decode(std::size_t index, std::string_view body) {
  if constexpr (Index < std::variant_size_v<Record>) {
    if (index != Index) return decode<Index + 1>(index, body);
    std::variant_alternative_t<Index, Record> record;
    FieldReader io(body);
    fields(io, record);
    if (!io.at_end()) return {};
    return Record(std::in_place_index<Index>, std::move(record));
  } else {
    return {};
  }
}

std::uint32_t batch_crc(std::string_view padded) { return crc32c(padded.substr(8)); }

}  // namespace

bool append_record(std::string& batch, const SegmentRecord& record) {
  return append(batch, record);
}
bool append_record(std::string& batch, const DecisionRecord& record) {
  return record.servers_recorded ? append(batch, record)
                                 : append(batch, OldDecisionRecord{record});
}
bool append_record(std::string& batch, const FinishedRecord& record) {
  return append(batch, record);
}
bool append_record(std::string& batch, const GivenUpRecord& record) {
  return append(batch, record);
}
bool append_record(std::string& batch, const EvidenceRecord& record) {
  return append(batch, record);
}
bool append_record(std::string& batch, const DoneRecord& record) { return append(batch, record); }
bool append_record(std::string& batch, const HeuristicRecord& record) {
  return append(batch, record);
}
bool append_record(std::string& batch, const AcknowledgedRecord& record) {
  return append(batch, record);
}

std::optional<Record> take_record(std::string_view& records) {
  FieldReader io(records);
  std::uint8_t type = 0;
  std::uint32_t length = 0;
  io.integer(type);
  io.integer(length);
  const std::string_view body = io.take(length);
  if (!io.ok() || type == 0) return {};
  records.remove_prefix(kRecordHeaderSize + length);
  return decode(type - std::size_t{1}, body);
}

void begin_batch(std::string& batch) { batch.assign(kBatchHeaderSize, '\0'); }

void seal_batch(std::string& batch, BatchHeader header) {
  header.length = static_cast<std::uint32_t>(batch.size());
  header.crc = 0;
  batch.resize(round_up_to_sector(batch.size()), '\0');
  std::string start(kMagic);
  FieldWriter io(start);
  fields(io, std::as_const(header));
  batch.replace(0, kBatchHeaderSize, start);
  std::string crc;
  FieldWriter(crc).integer(batch_crc(batch));
  batch.replace(kMagic.size(), crc.size(), crc);
}

std::optional<BatchHeader> read_header(std::string_view bytes) {
  if (bytes.size() < kBatchHeaderSize || !bytes.starts_with(kMagic)) return {};
  FieldReader io(bytes.substr(kMagic.size(), kBatchHeaderSize - kMagic.size()));
  BatchHeader header;
  fields(io, header);
  if (header.length < kBatchHeaderSize) return {};
  return header;
}

bool batch_is_whole(std::string_view bytes, const BatchHeader& header) noexcept {
  const std::uint64_t padded = round_up_to_sector(header.length);
  return padded <= bytes.size() && batch_crc(bytes.substr(0, padded)) == header.crc;
}

}  // namespace xabridge::tm
