// SPDX-License-Identifier: LGPL-2.1-or-later
#include "interlace.h"

namespace interlace {

void Fields::set_format (const Format &format)
{
  format_ = format;
  next_is_top_ = !format.bottom_first;
}

Field Fields::next (unsigned height, std::optional<bool> top)
{
  bool is_field = format_.alternating || height <= (format_.height + 1) / 2;
  if (!format_.interlaced || !is_field) return Field::none;
  bool is_top = top.value_or (next_is_top_);
  next_is_top_ = !is_top;
  return is_top ? Field::odd : Field::even;
}

}  // namespace interlace
