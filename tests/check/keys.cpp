// SPDX-License-Identifier: LGPL-2.1-or-later
#include "keys.h"

#include "encrypter.h"

namespace {

using keys::Error;
using test::Bytes;

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
    {"ABEiM0RVZneImaq7zN3u_w:AAECAwQFBgcICQoLDA0ODw", 1},
    {"ABEiM0RVZneImaq7zN3u/w==:AAECAwQFBgcICQoLDA0ODw==", 1},
    {KID ":AAECAwQFBgcICQoLDA0ODw,_-7dzLuqmYh3ZlVEMyIRAA:" KEY2, 2},
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
    {"ABEiM0RVZneImaq7zN3u.w:" KEY, Error::kid_bad_character, 20},
    {"ABEiM0RVZneImaq7zN3u_x:" KEY, Error::kid_bad_character, 21},
    {KID ":AAECAwQFBgcICQoLDA0OD", Error::key_bad_character, 38},
    {KID ": AAECAwQFBgcICQoLDA0OD!", Error::key_bad_character, 55},
    {KID ":" KEY "," UUID ":" KEY2, Error::two_keys_for_one_kid, 66},
};

void check (const Good &row, const keys::Result<keys::Ring> &ring)
{
  fail_unless (ring.ok (), "\"%s\": %s", row.text,
      ring.ok () ? "" : keys::to_string (ring.code ()));
  fail_unless_equals_int (
      static_cast<int> (ring->size ()), static_cast<int> (row.size));
  const aes::Key *key = ring->find (test::block (KID));
  fail_unless ((key != nullptr) == (row.size > 0));
  if (key != nullptr) fail_unless (*key == test::block (KEY));
}

void check (const Bad &row, const keys::Result<keys::Ring> &ring)
{
  fail_if (ring.ok (), "\"%s\" was taken", row.text);
  fail_unless (ring.code () == row.error, "\"%s\": %s", row.text,
      keys::to_string (ring.code ()));
  fail_unless (ring.position () == row.position, "\"%s\": position %d",
      row.text, static_cast<int> (ring.position ()));
}

}  // namespace

GST_START_TEST (good_texts)
{
  for (const Good &row : good) {
    keys::Result<keys::Ring> ring = keys::parse (row.text);
    check (row, ring);
    const aes::Key *second = ring->find (test::block (KID2));
    fail_unless ((second != nullptr) == (row.size > 1));
    if (second != nullptr) fail_unless (*second == test::block (KEY2));
  }
}
GST_END_TEST;

GST_START_TEST (bad_texts)
{
  for (const Bad &row : bad) check (row, keys::parse (row.text));
}
GST_END_TEST;

namespace {

#define JWK(kid, k) "{\"kty\":\"oct\",\"kid\":\"" kid "\",\"k\":\"" k "\"}"
#define JWK1 JWK ("ABEiM0RVZneImaq7zN3u_w", "AAECAwQFBgcICQoLDA0ODw")
#define JWK2 JWK ("_-7dzLuqmYh3ZlVEMyIRAA", "Dw4NDAsKCQgHBgUEAwIBAA")

const Good good_json[] = {
    {R"({"keys":[]})", 0},
    {R"({"keys":[)" JWK1 R"(],"type":"temporary"})", 1},
    {R"({"keys":[)" JWK1 "," JWK2 "]}", 2},
    {R"( { "type" : "temporary" , "keys" : [ )" JWK1 " ,\n" JWK2 " ] } ", 2},
    // What is not known is passed over, whatever it is.
    {R"({"a":{"b":[1,-2.5e3,true,{"c":null}],"d":"\"]}"},"keys":[)" JWK1 "]}",
        1},
    {R"({"keys":[{"alg":"A128KW","kid":"ABEiM0RVZneImaq7zN3u_w",)"
     R"("k":"AAECAwQFBgcICQoLDA0ODw"}]})",
        1},
    {R"({"keys":[)" JWK1 R"(,{"kty":"RSA","n":"x"}]})", 1},
    // Standard base64, with its slash escaped.
    {R"({"keys":[)" JWK (
         "ABEiM0RVZneImaq7zN3u\\/w==", "AAECAwQFBgcICQoLDA0ODw==") "]}",
        1},
};

const Bad bad_json[] = {
    {"", Error::json_syntax, 0},
    {"[]", Error::json_syntax, 0},
    {"{", Error::json_syntax, 1},
    {R"({"keys")", Error::json_syntax, 7},
    {"{}", Error::jwk_no_keys, 0},
    {R"({"keys":{}})", Error::jwk_no_keys, 8},
    {R"({"keys":[)", Error::json_syntax, 9},
    {R"({"keys":[]}x)", Error::json_syntax, 11},
    {R"({"keys":[{"kty":"oct","k":"x"}]})", Error::jwk_no_kid, 9},
    {R"({"keys":[{"kid":"ABEiM0RVZneImaq7zN3u_w"}]})", Error::jwk_no_k, 9},
    {R"({"keys":[{"kid":"ABEi","k":"x"}]})", Error::kid_bad_character, 16},
    {R"({"keys":[{"kid":"ABEiM0RVZneImaq7zN3u_w","k":"0011"}]})",
        Error::key_wrong_length, 45},
    {R"({"keys":[)" JWK1
     "," JWK ("ABEiM0RVZneImaq7zN3u_w", "Dw4NDAsKCQgHBgUEAwIBAA") "]}",
        Error::two_keys_for_one_kid, 102},
    {R"({"a":]})", Error::json_syntax, 5},
    {R"({"a":"b)", Error::json_syntax, 7},
    {R"({"a":1)", Error::json_syntax, 6},
};

}  // namespace

GST_START_TEST (clearkey)
{
  for (const Good &row : good_json)
    check (row, keys::parse_clearkey (row.text));
  for (const Bad &row : bad_json) check (row, keys::parse_clearkey (row.text));
  std::string deep = "{\"a\":" + std::string (65, '[');
  fail_unless (keys::parse_clearkey (deep).code () == Error::json_too_deep);
}
GST_END_TEST;

GST_START_TEST (ring_of_any)
{
  keys::KeyId kid = test::block (KID), other = test::block (KID2);
  keys::Secret key (test::block (KEY)), key2 (test::block (KEY2));
  keys::Ring ring;
  fail_unless (ring.find (kid) == nullptr);
  ring.set_any (key2);
  fail_unless (*ring.find (kid) == test::block (KEY2));
  fail_unless (*ring.replace (kid, key));
  fail_if (*ring.replace (kid, key));
  fail_unless (*ring.find (kid) == test::block (KEY));
  fail_unless (*ring.find (other) == test::block (KEY2));
  fail_unless (*ring.replace (kid, key2));
  fail_unless (*ring.find (kid) == test::block (KEY2));
  fail_unless (ring.add (kid, key).code () == Error::two_keys_for_one_kid);
  keys::Ring second;
  fail_unless (second.replace (ring));
  fail_if (second.replace (ring));
  fail_unless (second.find (other) == nullptr);
  fail_unless (second.add (ring).ok ());
  fail_unless (*second.find (other) == test::block (KEY2));
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
  tcase_add_test (tests, clearkey);
  tcase_add_test (tests, ring_of_any);
  tcase_add_test (tests, too_many);
  tcase_add_test (tests, kid_as_text);
  return suite;
}

GST_CHECK_MAIN (keys)
