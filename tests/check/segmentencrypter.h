// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <openssl/evp.h>

#include <span>
#include <string>

#include "presentation.h"
#include "testutil.h"

namespace test {

// What segmentcipher undoes: CBC with padding, or counter mode.
inline std::string encrypt_segment (presentation::Encryption::Cipher cipher,
    std::span<const std::uint8_t> key, const presentation::Encryption::Iv &iv,
    std::string_view clear, bool padding = true)
{
  using enum presentation::Encryption::Cipher;
  const EVP_CIPHER *names[] = {
      EVP_aes_128_cbc (), EVP_aes_256_cbc (), EVP_aes_256_ctr ()};
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new ();
  std::string out (clear.size () + 32, '\0');
  auto *to = reinterpret_cast<unsigned char *> (out.data ());
  int size = 0;
  int rest = 0;
  bool fine = EVP_EncryptInit_ex (context, names[static_cast<int> (cipher)],
                  nullptr, key.data (), iv.data ()) == 1 &&
              EVP_CIPHER_CTX_set_padding (context, padding ? 1 : 0) == 1 &&
              EVP_EncryptUpdate (context, to, &size,
                  reinterpret_cast<const unsigned char *> (clear.data ()),
                  static_cast<int> (clear.size ())) == 1 &&
              EVP_EncryptFinal_ex (context, to + size, &rest) == 1;
  EVP_CIPHER_CTX_free (context);
  fail_unless (fine);
  out.resize (static_cast<std::size_t> (size + rest));
  return out;
}

}  // namespace test
