// SPDX-License-Identifier: LGPL-2.1-or-later
#include "protection.h"

#include <algorithm>
#include <array>

namespace protection {
namespace {

using bmff::Box;
using bmff::Error;
using bmff::Reader;
using bmff::type;
using relay::Done;
using relay::failure;

using UserType = std::array<std::uint8_t, 16>;
constexpr UserType piff_tenc{0x89, 0x74, 0xdb, 0xce, 0x7b, 0xe7, 0x4c, 0x51,
    0x84, 0xf9, 0x71, 0x48, 0xf9, 0x88, 0x25, 0x54};
constexpr UserType piff_senc{0xa2, 0x39, 0x4f, 0x52, 0x5a, 0x9b, 0x4f, 0x14,
    0xa2, 0x44, 0x6c, 0x42, 0x7c, 0x64, 0x8d, 0xf4};
constexpr UserType piff_pssh{0xd0, 0x8a, 0x4f, 0x18, 0x10, 0xf3, 0x4a, 0x82,
    0xb6, 0xc8, 0x32, 0xd8, 0xab, 0xa1, 0x83, 0xd3};

bool is_user_type (const Box &box, const UserType &user_type)
{
  return box.box_type == type ("uuid") &&
         box.body.size () >= user_type.size () &&
         std::equal (user_type.begin (), user_type.end (), box.body.begin ());
}

keys::KeyId read_kid (Reader &reader)
{
  keys::KeyId kid{};
  bmff::Bytes bytes = reader.bytes (kid.size ());
  std::copy (bytes.begin (), bytes.end (), kid.begin ());
  return kid;
}

// What tenc and a seig entry have in common: all but the version.
Result<Encryption> read_encryption (Reader &reader, bool has_pattern)
{
  std::size_t position = reader.position ();
  Encryption out;
  reader.skip (1);
  std::uint8_t pattern = reader.u8 ();
  if (has_pattern) {
    out.pattern.crypt_byte_block = pattern >> 4;
    out.pattern.skip_byte_block = pattern & 15;
  }
  std::uint8_t is_protected = reader.u8 ();
  out.per_sample_iv_size = reader.u8 ();
  out.kid = read_kid (reader);
  if (!reader.ok ()) return failure (Error::truncated, position);
  if (is_protected > 1) return failure (Error::bad_value, position);
  out.is_protected = is_protected == 1;
  if (!out.is_protected) return out;

  if (out.per_sample_iv_size == 0) {
    bmff::Bytes iv = reader.bytes (reader.u8 ());
    if (!reader.ok ()) return failure (Error::truncated, position);
    cenc::Result<aes::Block> block = cenc::to_block (iv);
    if (!block) return failure (Error::bad_value, position);
    out.constant_iv = *block;
  } else if (out.per_sample_iv_size != 8 && out.per_sample_iv_size != 16) {
    return failure (Error::bad_value, position);
  }
  return out;
}

// PIFF: AlgorithmID, IV_size and KID. 1 is AES-CTR as in cenc; 2 is AES-CBC as
// in cbc1.
Result<Encryption> read_piff (Reader &reader)
{
  std::size_t position = reader.position ();
  Encryption out;
  std::uint32_t algorithm = reader.u24 ();
  out.per_sample_iv_size = reader.u8 ();
  out.kid = read_kid (reader);
  if (!reader.ok ()) return failure (Error::truncated, position);
  if (algorithm > 2) return failure (Error::bad_value, position);
  out.is_protected = algorithm != 0;
  out.scheme = algorithm == 2 ? cenc::Scheme::cbc1 : cenc::Scheme::cenc;
  if (out.is_protected && out.per_sample_iv_size != 8 &&
      out.per_sample_iv_size != 16)
    return failure (Error::bad_value, position);
  return out;
}

// has_length: whether the sizes of the entries are given.
Result<Descriptions> read_descriptions (const Box &sgpd, bool has_length)
{
  Reader reader = sgpd.reader ();
  std::uint8_t version = bmff::read_version (reader).version;
  reader.skip (4);  // grouping_type
  std::uint32_t default_length = has_length ? reader.u32 () : 0;
  Descriptions out;
  if (version >= 2) out.default_index = reader.u32 ();
  std::uint32_t count = reader.u32 ();
  for (std::uint32_t i = 0; i < count; i++) {
    std::size_t length = default_length;
    if (has_length && length == 0) length = reader.u32 ();
    if (!reader.ok ()) return failure (Error::truncated, sgpd.position);
    Result<Encryption> entry = failure (Error::truncated);
    if (has_length) {
      std::size_t position = reader.position ();
      Reader one (reader.bytes (length), position);
      entry = read_encryption (one, true);
    } else {
      entry = read_encryption (reader, true);
    }
    if (!reader.ok ()) return failure (Error::truncated, sgpd.position);
    if (!entry) return entry.error ();
    out.entries.push_back (*entry);
  }
  if (!reader.ok ()) return failure (Error::truncated, sgpd.position);
  if (version >= 2 && reader.left () != 0)
    return failure (Error::bad_value, reader.position ());
  if (out.default_index > out.entries.size ())
    return failure (Error::no_such_sample_group, sgpd.position);
  return out;
}

// An auxiliary information type is optional; other types are about other
// things.
bool is_other_auxiliary (const Box &box)
{
  Reader reader = box.reader ();
  if ((bmff::read_version (reader).flags & 1) == 0) return false;
  bmff::Type information = reader.u32 ();
  return !scheme_of (information) && information != type ("piff");
}

}  // namespace

std::optional<cenc::Scheme> scheme_of (bmff::Type scheme_type)
{
  switch (scheme_type) {
    case type ("cenc"):
      return cenc::Scheme::cenc;
    case type ("cens"):
      return cenc::Scheme::cens;
    case type ("cbc1"):
      return cenc::Scheme::cbc1;
    case type ("cbcs"):
      return cenc::Scheme::cbcs;
    default:
      return std::nullopt;
  }
}

Result<Encryption> parse_tenc (const Box &tenc, cenc::Scheme scheme)
{
  Reader reader = tenc.reader ();
  bool has_pattern = bmff::read_version (reader).version > 0;
  Result<Encryption> out = read_encryption (reader, has_pattern);
  if (!out) return failure (out.code (), tenc.position);
  out->scheme = scheme;
  return out;
}

bool is_piff_tenc (const Box &box)
{
  return is_user_type (box, piff_tenc);
}

bool is_piff_senc (const Box &box)
{
  return is_user_type (box, piff_senc);
}

bool is_piff_pssh (const Box &box)
{
  return is_user_type (box, piff_pssh);
}

Result<Encryption> parse_piff_tenc (const Box &box)
{
  Reader reader = box.reader ();
  reader.skip (piff_tenc.size ());
  bmff::read_version (reader);
  Result<Encryption> out = read_piff (reader);
  if (!out) return failure (out.code (), box.position);
  return out;
}

Result<SampleEncryption> parse_senc (const Box &box)
{
  constexpr std::uint32_t override_track_encryption = 1;  // PIFF only
  constexpr std::uint32_t use_subsample_encryption = 2;
  Reader reader = box.reader ();
  if (box.box_type == type ("uuid")) reader.skip (piff_senc.size ());
  std::uint32_t flags = bmff::read_version (reader).flags;
  SampleEncryption out;
  out.has_subsamples = (flags & use_subsample_encryption) != 0;
  if ((flags & override_track_encryption) != 0) {
    Result<Encryption> instead = read_piff (reader);
    if (!instead) return failure (instead.code (), box.position);
    out.instead = *instead;
  }
  out.count = reader.u32 ();
  if (!reader.ok ()) return failure (Error::truncated, box.position);
  out.entries_at = reader.position ();
  out.end = reader.position () + reader.left ();
  return out;
}

bool is_seig (const Box &box)
{
  // csgp too has its grouping_type there (14496-12 8.9.5).
  if (box.box_type != type ("sgpd") && box.box_type != type ("sbgp") &&
      box.box_type != type ("csgp"))
    return false;
  Reader reader = box.reader ();
  bmff::read_version (reader);
  return reader.u32 () == type ("seig");
}

Result<Descriptions> parse_sgpd (const Box &sgpd)
{
  Reader reader = sgpd.reader ();
  std::uint8_t version = bmff::read_version (reader).version;
  // A version 2 has lengths in the newer editions of the standard, and had
  // none in that of 2015; only one of them fills the box.
  Result<Descriptions> out = read_descriptions (sgpd, version > 0);
  if (out || version < 2) return out;
  Result<Descriptions> older = read_descriptions (sgpd, false);
  return older ? older : out;
}

Result<std::vector<Interval>> parse_sbgp (const Box &sbgp)
{
  Reader reader = sbgp.reader ();
  bool has_parameter = bmff::read_version (reader).version > 0;
  reader.skip (4);  // grouping_type
  if (has_parameter) reader.skip (4);
  std::uint32_t count = reader.u32 ();
  std::vector<Interval> out;
  std::uint64_t end = 0;
  for (std::uint32_t i = 0; i < count; i++) {
    end += reader.u32 ();
    std::uint32_t group = reader.u32 ();
    if (!reader.ok ()) break;
    if (!out.empty () && out.back ().group == group)
      out.back ().end = end;
    else
      out.push_back ({end, group});
  }
  if (!reader.ok ()) return failure (Error::truncated, sbgp.position);
  return out;
}

bool is_about_encryption (const Box &box)
{
  if (box.box_type == type ("saiz") || box.box_type == type ("saio"))
    return !is_other_auxiliary (box);
  return box.box_type == type ("senc") || is_piff_senc (box) || is_seig (box);
}

bool is_pssh (const Box &box)
{
  return box.box_type == type ("pssh") || is_piff_pssh (box);
}

std::vector<std::uint8_t> copy_pssh (const Box &pssh)
{
  constexpr std::size_t most = std::size_t{1} << 20;
  bmff::Bytes body = pssh.body;
  // But for the user type PIFF's box has the same fields.
  if (is_piff_pssh (pssh)) body = body.subspan (piff_pssh.size ());
  if (body.size () > most) return {};
  std::size_t size = bmff::shortest_header + body.size ();
  std::vector<std::uint8_t> out;
  out.reserve (size);
  for (int shift : {24, 16, 8, 0})
    out.push_back (static_cast<std::uint8_t> (size >> shift));
  for (int shift : {24, 16, 8, 0})
    out.push_back (static_cast<std::uint8_t> (type ("pssh") >> shift));
  out.insert (out.end (), body.begin (), body.end ());
  return out;
}

}  // namespace protection
