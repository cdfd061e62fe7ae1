/* SPDX-License-Identifier: Apache-2.0 */
/* Chooses a code by trying: what is written is what reads back as the same bits. */
#include "ship/log/value.h"

#include <math.h>

#include "model/sample.h"

#define INTEGER_LIMIT 0x1p53
#define DECIMAL_LIMIT 0x1p48 /* 7 bytes as a signed varint */
#define DIGITS_MAX (VALUE_DECIMAL_MAX - VALUE_DECIMAL)

static const double powers_of_ten[DIGITS_MAX + 1] = {1,   1e1, 1e2, 1e3, 1e4,
                                                     1e5, 1e6, 1e7, 1e8, 1e9};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double of_bits(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* A quotient of exact doubles is rounded correctly, so that reading it gives the same bits. */
static bool is_decimal(double value, unsigned digits, int64_t *mantissa)
{
    double scaled = value * powers_of_ten[digits];
    if (!(fabs(scaled) < DECIMAL_LIMIT))
        return false;
    *mantissa = (int64_t)(scaled + (scaled < 0 ? -0.5 : 0.5));
    return fabs(scaled - (double)*mantissa) < 0.1 &&
           bits_of((double)*mantissa / powers_of_ten[digits]) == bits_of(value);
}

/* The least number of digits behind the point with which the value is exact; 0 if there is none. */
static unsigned decimal_digits(double value, int64_t *mantissa)
{
    for (unsigned digits = 3; digits <= DIGITS_MAX; digits += 3) {
        if (!is_decimal(value, digits, mantissa))
            continue;
        for (; digits > 1 && *mantissa % 10 == 0; digits--)
            *mantissa /= 10;
        return digits;
    }
    return 0;
}

static bool is_integer(double value)
{
    return fabs(value) < INTEGER_LIMIT && bits_of((double)(int64_t)value) == bits_of(value);
}

static uint8_t *put_float(uint8_t *at, double value)
{
    float narrow = (float)value;
    uint32_t bits;
    memcpy(&bits, &narrow, sizeof(bits));
    return put_u32(at, bits);
}

static double float_of(uint32_t bits)
{
    float narrow;
    memcpy(&narrow, &bits, sizeof(narrow));
    return narrow;
}

/* Not for NaNs: their way through a float need not keep the bits. */
static bool is_float(double value)
{
    return fabs(value) <= (double)__FLT_MAX__ && bits_of((float)value) == bits_of(value);
}

uint8_t value_put(uint8_t **at, double value, double before)
{
    int64_t mantissa;
    unsigned digits;

    if (is_integer(value)) {
        if (value >= 0 && value <= VALUE_SMALL_MAX)
            return (uint8_t)value;
        if (value == before)
            return VALUE_SAME;
        *at = varint_put(*at, varint_zigzag((int64_t)value));
        return VALUE_INTEGER;
    }
    if (bits_of(value) == bits_of(before))
        return VALUE_SAME;
    if (bits_of(value) == STALE_NAN_BITS)
        return VALUE_STALE;
    if ((digits = decimal_digits(value, &mantissa))) {
        *at = varint_put(*at, varint_zigzag(mantissa));
        return (uint8_t)(VALUE_DECIMAL + digits);
    }
    if (is_float(value)) {
        *at = put_float(*at, value);
        return VALUE_FLOAT;
    }
    *at = put_double(*at, value);
    return VALUE_DOUBLE;
}

double value_get(struct byte_reader *reader, uint8_t code, double before)
{
    if (code <= VALUE_SMALL_MAX)
        return code;
    switch (code) {
    case VALUE_INTEGER:
        return (double)byte_reader_signed(reader);
    case VALUE_SAME:
        return before;
    case VALUE_STALE:
        return of_bits(STALE_NAN_BITS);
    case VALUE_DOUBLE:
        return byte_reader_double(reader);
    case VALUE_FLOAT:
        return float_of(byte_reader_u32(reader));
    default:
        if (code > VALUE_DECIMAL && code <= VALUE_DECIMAL_MAX)
            return (double)byte_reader_signed(reader) / powers_of_ten[code - VALUE_DECIMAL];
        byte_reader_fail(reader);
        return 0;
    }
}
