// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.h"

#include "encrypter.h"

namespace {

using keys::Error;

#define KID "00112233445566778899aabbccddeeff"
#define UUID "00112233-4455-6677-8899-AABBCCDDEEFF"
#define KID2 "ffeeddccbbaa99887766554433221100"
#define KEY "000102030405060708090a0b0c0d0e0f"
#define KEY2 "0f0e0d0c0b0a09080706050403020100"

struct Good
{
  const char *text;
  std::size_t size;
};
const Good good[] = {
    {"", 0},
    {"  ", 0},
    {KID ":" KEY, 1},
    {UUID ":" KEY, 1},
    {KID ":" KEY "," KID2 ":" KEY2, 2},
    {" " KID " : " KEY " , " KID2 ":" KEY2 " ", 2},
    {"00112233445566778899AABBCCDDEEFF:000102030405060708090A0B0C0D0E0F", 1},
    {KID ":" KEY "," UUID ":" KEY, 1},
};

struct Bad
{
  const char *text;
  Error error;
  std::size_t position;
};
const Bad bad[] = {
    {",", Error::empty_entry, 0},
    {KID ":" KEY ",", Error::empty_entry, 66},
    {KID ":" KEY ",," KID2 ":" KEY, Error::empty_entry, 66},
    {KID, Error::no_colon, 0},
    {KID ":" KEY ", " KID2, Error::no_colon, 67},
    {"0011223344556677x899aabbccddeeff:" KEY, Error::kid_bad_character, 16},
    {"001122334455667 8899aabbccddeeff:" KEY, Error::kid_bad_character, 15},
    {"00112233445566778899aabbccddeef:" KEY, Error::kid_odd_digits, 0},
    {"00112233445566778899aabbccddee:" KEY, Error::kid_wrong_length, 0},
    {KID "00:" KEY, Error::kid_wrong_length, 0},
    {":" KEY, Error::kid_wrong_length, 0},
    {"0011-22334455-6677-8899-aabbccddeeff:" KEY, Error::kid_bad_dashes, 0},
    {"-" KID ":" KEY, Error::kid_bad_dashes, 0},
    {KID ":00010203-0405-0607-0809-0a0b0c0d0e0f", Error::key_bad_character, 41},
    {KID ":" KEY ":" KEY2, Error::key_bad_character, 65},
    {KID ":000102030405060708090a0b0c0d0e0", Error::key_odd_digits, 33},
    {KID ":" KEY KEY2, Error::key_wrong_length, 33},
    {KID ":", Error::key_wrong_length, 33},
    {KID ":" KEY "," UUID ":" KEY2, Error::two_keys_for_one_kid, 66},
};

}  // namespace

GST_START_TEST (good_texts)
{
  for (const Good &row : good) {
    keys::Result<keys::Ring> ring = keys::parse (row.text);
    fail_unless (ring.ok (), "\"%s\": %s", row.text,
        ring.ok () ? "" : keys::to_string (ring.code ()));
    fail_unless_equals_int (
        static_cast<int> (ring->size ()), static_cast<int> (row.size));
    const aes::Key *key = ring->find (test::block (KID));
    fail_unless ((key != nullptr) == (row.size > 0));
    if (key != nullptr) fail_unless (*key == test::block (KEY));
    const aes::Key *second = ring->find (test::block (KID2));
    fail_unless ((second != nullptr) == (row.size > 1));
    if (second != nullptr) fail_unless (*second == test::block (KEY2));
  }
}
GST_END_TEST;

GST_START_TEST (bad_texts)
{
  for (const Bad &row : bad) {
    keys::Result<keys::Ring> ring = keys::parse (row.text);
    fail_if (ring.ok (), "\"%s\" was taken", row.text);
    fail_unless (ring.code () == row.error, "\"%s\": %s", row.text,
        keys::to_string (ring.code ()));
    fail_unless_equals_int (
        static_cast<int> (ring.position ()), static_cast<int> (row.position));
  }
}
GST_END_TEST;

GST_START_TEST (too_many)
{
  std::string text;
  for (std::size_t i = 0; i <= keys::Ring::most_keys; i++) {
    char kid[33];
    g_snprintf (kid, sizeof kid, "%032x", static_cast<unsigned> (i));
    text += std::string (i == 0 ? "" : ",") + kid + ":" KEY;
  }
  fail_unless (keys::parse (text).code () == Error::too_many);
}
GST_END_TEST;

GST_START_TEST (kid_as_text)
{
  std::string text = keys::to_string (test::block (KID));
  fail_unless_equals_string (text.c_str (), KID);
}
GST_END_TEST;

static Suite *keys_suite ()
{
  Suite *suite = suite_create ("keys");
  TCase *tests = tcase_create ("all");
  suite_add_tcase (suite, tests);
  tcase_add_test (tests, good_texts);
  tcase_add_test (tests, bad_texts);
  tcase_add_test (tests, too_many);
  tcase_add_test (tests, kid_as_text);
  return suite;
}

GST_CHECK_MAIN (keys)
