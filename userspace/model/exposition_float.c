/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of exposition text, always with strtod's bits. Up to 19 digits are computed exactly from
 * integers: in doubles where both mantissa and power of ten are exact (Clinger's fast path), else
 * in 128 bits, which hold any product or quotient with a power of ten up to 27. The rest goes to
 * strtod.
 */
#include "model/exposition_lex.h"

#include <endian.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define NORMAL_NAN_BITS UINT64_C(0x7ff8000000000001)

/* A double is decided by its first 767 significant digits and whether any digit follows them. */
#define MAX_DIGITS 800
#define MAX_MANTISSA_DIGITS 19 /* always fit a uint64_t */
#define MAX_EXPONENT 1000000000
#define MAX_EXACT_INTEGER (UINT64_C(1) << 53)
#define MAX_EXACT_POWER 22
#define MAX_WIDE_POWER 27 /* of five that fits 64 bits */
#define DOUBLE_BITS 53
#define DOUBLE_BIAS 1023

typedef unsigned __int128 wide_t;

static const double exact_powers[MAX_EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static const uint64_t powers_of_five[MAX_WIDE_POWER + 1] = {UINT64_C(1),
                                                            UINT64_C(5),
                                                            UINT64_C(25),
                                                            UINT64_C(125),
                                                            UINT64_C(625),
                                                            UINT64_C(3125),
                                                            UINT64_C(15625),
                                                            UINT64_C(78125),
                                                            UINT64_C(390625),
                                                            UINT64_C(1953125),
                                                            UINT64_C(9765625),
                                                            UINT64_C(48828125),
                                                            UINT64_C(244140625),
                                                            UINT64_C(1220703125),
                                                            UINT64_C(6103515625),
                                                            UINT64_C(30517578125),
                                                            UINT64_C(152587890625),
                                                            UINT64_C(762939453125),
                                                            UINT64_C(3814697265625),
                                                            UINT64_C(19073486328125),
                                                            UINT64_C(95367431640625),
                                                            UINT64_C(476837158203125),
                                                            UINT64_C(2384185791015625),
                                                            UINT64_C(11920928955078125),
                                                            UINT64_C(59604644775390625),
                                                            UINT64_C(298023223876953125),
                                                            UINT64_C(1490116119384765625),
                                                            UINT64_C(7450580596923828125)};

struct decimal { /* mantissa * 10^exponent */
    const char *start, *end;
    uint64_t mantissa; /* of its digits, which may be too many */
    ptrdiff_t digits;
    int64_t exponent; /* behind the e */
    int64_t scale;    /* the same, less the digits behind the point */
};

static inline bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* The value of eight digits, each in a byte of its own, the first one lowest. */
static inline uint64_t join_digits(uint64_t digits)
{
    digits = digits * 10 + (digits >> 8);
    return ((digits & 0x000000ff000000ff) * 0x000f424000000064 +
            (digits >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >>
           32;
}

/* Eight bytes at once: those behind the first that is no digit are shifted out, and zeros in. */
static inline const char *scan_digits(const char *at, const char *end, uint64_t *mantissa)
{
    static const uint64_t powers_of_ten[] = {1,      10,      100,      1000,     10000,
                                             100000, 1000000, 10000000, 100000000};
    if (end - at >= 2 && is_digit(at[0]) && !is_digit(at[1])) { /* 0, 1, and 1.5e+09 */
        *mantissa = *mantissa * 10 + (uint64_t)(*at - '0');
        return at + 1;
    }
    while (end - at >= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof(word));
        word = htole64(word) ^ 0x3030303030303030;
        uint64_t others = ((word + 0x0606060606060606) | word) & 0xf0f0f0f0f0f0f0f0;
        unsigned count = others ? (unsigned)__builtin_ctzll(others) / 8 : 8;
        if (!count)
            return at;
        *mantissa = *mantissa * powers_of_ten[count] + join_digits(word << (64 - 8 * count));
        at += count;
        if (count < 8)
            return at;
    }
    for (; at < end && is_digit(*at); at++)
        *mantissa = *mantissa * 10 + (uint64_t)(*at - '0');
    return at;
}

/* The exponent behind the e, or NULL where there is no digit. */
static const char *scan_exponent(const char *at, const char *end, int64_t *out)
{
    bool negative = false;
    int64_t exponent = 0;

    if (at < end && (*at == '+' || *at == '-'))
        negative = *at++ == '-';
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && is_digit(*at); at++)
        if (exponent < MAX_EXPONENT)
            exponent = exponent * 10 + (*at - '0');
    *out = negative ? -exponent : exponent;
    return at;
}

/* A number without its sign, as far as it goes. */
static inline bool scan_decimal(const char *start, const char *end, struct decimal *decimal)
{
    const char *at;

    decimal->mantissa = 0;
    decimal->exponent = decimal->scale = 0;
    decimal->start = start;
    at = scan_digits(start, end, &decimal->mantissa);
    decimal->digits = at - start;
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = scan_digits(fraction, end, &decimal->mantissa);
        decimal->digits += at - fraction;
        decimal->scale = fraction - at;
    }
    if (!decimal->digits)
        return false;
    if (at < end && (*at | 0x20) == 'e') {
        at = scan_exponent(at + 1, end, &decimal->exponent);
        decimal->scale += decimal->exponent;
    }
    decimal->end = at;
    return at != NULL;
}

static double power_of_two(int exponent)
{
    uint64_t bits = (uint64_t)(exponent + DOUBLE_BIAS) << (DOUBLE_BITS - 1);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* wide * 2^exponent, rounded to nearest, ties to even; `rest`: it is a little more than that. */
static double round_wide(wide_t wide, bool rest, int exponent)
{
    uint64_t high = (uint64_t)(wide >> 64);
    int bits = high ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)wide);
    int dropped = bits - DOUBLE_BITS;

    if (dropped <= 0)
        return (double)(uint64_t)wide * power_of_two(exponent);
    wide_t kept = wide >> dropped, below = wide - (kept << dropped),
           half = (wide_t)1 << (dropped - 1);
    kept += below > half || (below == half && (rest || (kept & 1)));
    return (double)(uint64_t)kept * power_of_two(exponent + dropped);
}

/* The quotient has more than 64 bits, so that what remains of the division only decides ties. */
static double compute_wide(uint64_t mantissa, int power)
{
    if (power >= 0)
        return round_wide((wide_t)mantissa * powers_of_five[power], false, power);
    int shift = 64 + __builtin_clzll(mantissa);
    wide_t dividend = (wide_t)mantissa << shift;
    wide_t quotient = dividend / powers_of_five[-power];
    bool rest = dividend != quotient * powers_of_five[-power];
    return round_wide(quotient, rest, power - shift);
}

static locale_t c_locale(void)
{
    static locale_t locale;
    if (!locale)
        locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return locale;
}

/* Digits and at most one point, too many for one copy: leading zeros go, and what follows
 * MAX_DIGITS is one digit that only says whether it is zero. */
static double parse_long(const char *at, const char *end, int64_t exponent)
{
    char copy[MAX_DIGITS + 32];
    size_t length = 0;
    bool fraction = false, rest = false;

    for (; at < end && (is_digit(*at) || *at == '.'); at++) {
        if (*at == '.') {
            fraction = true;
        } else if (length == MAX_DIGITS) {
            rest |= *at != '0';
            exponent += !fraction;
        } else {
            if (length || *at != '0')
                copy[length++] = *at;
            exponent -= fraction;
        }
    }
    if (!length)
        return 0;
    if (rest) {
        copy[length++] = '1';
        exponent--;
    }
    snprintf(copy + length, sizeof(copy) - length, "e%lld", (long long)exponent);
    return strtod_l(copy, NULL, c_locale());
}

static double parse_any(const char *at, const char *end, int64_t exponent)
{
    char copy[128];
    size_t length = (size_t)(end - at);

    if (length >= sizeof(copy))
        return parse_long(at, end, exponent);
    memcpy(copy, at, length);
    copy[length] = '\0';
    return strtod_l(copy, NULL, c_locale());
}

static int parse_word(struct text word, bool has_sign, double *out)
{
    if ((word.length == 3 && !strncasecmp(word.bytes, "inf", 3)) ||
        (word.length == 8 && !strncasecmp(word.bytes, "infinity", 8))) {
        *out = (double)INFINITY;
        return 0;
    }
    if (!has_sign && word.length == 3 && !strncasecmp(word.bytes, "nan", 3)) {
        uint64_t bits = NORMAL_NAN_BITS;
        memcpy(out, &bits, sizeof(*out));
        return 0;
    }
    return -EINVAL;
}

static double compute(const struct decimal *decimal)
{
    uint64_t mantissa = decimal->mantissa;
    int64_t scale = decimal->scale;

    if (decimal->digits > MAX_MANTISSA_DIGITS)
        return parse_any(decimal->start, decimal->end, decimal->exponent);
    if (!mantissa)
        return 0;
    if (mantissa <= MAX_EXACT_INTEGER && scale >= -MAX_EXACT_POWER && scale <= MAX_EXACT_POWER)
        return scale < 0 ? (double)mantissa / exact_powers[-scale]
                         : (double)mantissa * exact_powers[scale];
    if (scale >= -MAX_WIDE_POWER && scale <= MAX_WIDE_POWER)
        return compute_wide(mantissa, (int)scale);
    return parse_any(decimal->start, decimal->end, decimal->exponent);
}

const char *lex_number(const char *at, const char *end, double *out)
{
    struct decimal decimal;
    bool negative = at < end && *at == '-';

    if (!scan_decimal(at + negative, end, &decimal))
        return NULL;
    double value = compute(&decimal);
    *out = negative ? -value : value;
    return isinf(value) ? NULL : decimal.end;
}

const char *exposition_plain_value(const char *at, const char *end, double *out)
{
    if (at == end || *at != ' ')
        return NULL;
    at++;
    if (end - at >= 2 && at[1] == '\n' && is_digit(*at)) { /* most values are 0 or 1 */
        *out = *at - '0';
        return at + 2;
    }
    at = lex_number(at, end, out);
    return at && at < end && *at == '\n' ? at + 1 : NULL;
}

int exposition_parse_float(struct text text, double *out)
{
    const char *at = text.bytes, *end = text.bytes + text.length;
    struct decimal decimal;
    bool has_sign = false, negative = false;
    double value;
    int error = 0;

    if (at < end && (*at == '+' || *at == '-')) {
        has_sign = true;
        negative = *at++ == '-';
    }
    if (scan_decimal(at, end, &decimal)) {
        if (decimal.end != end)
            return -EINVAL;
        value = compute(&decimal);
        error = isinf(value) ? -ERANGE : 0;
    } else {
        error = parse_word((struct text){at, (size_t)(end - at)}, has_sign, &value);
    }
    if (!error)
        *out = negative ? -value : value;
    return error;
}

/* ---- bounds ---- */

#define MAX_BOUND 127 /* bytes; a longer one of these forms stays as it is written */

/* Go's rule: an underscore stands between two digits, or behind 0x. */
static bool underscores_are_right(const char *at, const char *end)
{
    bool digit = false, underscore = false, hex = false;

    at += at < end && (*at == '+' || *at == '-');
    if (end - at >= 2 && *at == '0' && strchr("bBoOxX", at[1]) && at[1]) {
        hex = (at[1] | 0x20) == 'x';
        digit = true;
        at += 2;
    }
    for (; at < end; at++) {
        bool is_underscore = *at == '_';
        bool part = is_digit(*at) || (hex && (*at | 0x20) >= 'a' && (*at | 0x20) <= 'f');
        if (is_underscore ? !digit : underscore && !part)
            return false;
        digit = part;
        underscore = is_underscore;
    }
    return !underscore;
}

/* Behind 0x: digits with at most one point, and an exponent of two, which is not optional. */
static bool is_hex_number(const char *at)
{
    size_t whole = strspn(at, "0123456789abcdefABCDEF"), fraction = 0;

    at += whole;
    if (*at == '.') {
        fraction = strspn(at + 1, "0123456789abcdefABCDEF");
        at += 1 + fraction;
    }
    if (!(whole + fraction) || (*at | 0x20) != 'p')
        return false;
    at += 1 + (at[1] == '+' || at[1] == '-');
    size_t digits = strspn(at, "0123456789");
    return digits && !at[digits];
}

static int parse_hex(const char *number, double *out)
{
    const char *prefix = number + (*number == '+' || *number == '-');

    if (prefix[0] != '0' || (prefix[1] | 0x20) != 'x' || !is_hex_number(prefix + 2))
        return -EINVAL;
    *out = strtod_l(number, NULL, c_locale());
    return isinf(*out) ? -ERANGE : 0;
}

int exposition_parse_bound(struct text text, double *out)
{
    char number[MAX_BOUND + 1];
    size_t length = 0;

    if (!exposition_parse_float(text, out))
        return 0;
    if (text.length > MAX_BOUND || memchr(text.bytes, '\0', text.length) ||
        !underscores_are_right(text.bytes, text.bytes + text.length))
        return -EINVAL;
    for (size_t i = 0; i < text.length; i++)
        if (text.bytes[i] != '_')
            number[length++] = text.bytes[i];
    number[length] = '\0';
    return parse_hex(number, out) ? exposition_parse_float((struct text){number, length}, out) : 0;
}
