/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over the members of a family; its metrics are passed by and read later, one at a time.
 */
#include "model/proto_family.h"

#include <errno.h>

#include "base/cleanup.h"
#include "model/utf8.h"

enum { FAMILY_NAME = 1, FAMILY_HELP, FAMILY_TYPE, FAMILY_METRIC, FAMILY_UNIT };

static int fail(const char **fault, const char *what)
{
    *fault = what;
    return -EINVAL;
}

/* False where it has the wrong type. What is not known is passed by. */
static bool take_member(struct proto_family *family, const struct proto_field *field,
                        bool *has_metrics)
{
    switch (field->number) {
    case FAMILY_NAME:
        family->metadata.family = field->bytes;
        return field->type == PROTO_BYTES;
    case FAMILY_HELP:
        family->metadata.help = field->bytes;
        return field->type == PROTO_BYTES;
    case FAMILY_UNIT:
        family->metadata.unit = field->bytes;
        return field->type == PROTO_BYTES;
    case FAMILY_TYPE:
        family->type = (Exposition__MetricType)(int32_t)field->value;
        return field->type == PROTO_VARINT;
    case FAMILY_METRIC:
        *has_metrics = true;
        return field->type == PROTO_BYTES;
    }
    return true;
}

static bool has_unit(struct text name, struct text unit)
{
    return name.length > unit.length && name.bytes[name.length - unit.length - 1] == '_' &&
           !memcmp(name.bytes + name.length - unit.length, unit.bytes, unit.length);
}

static int check_unit(struct proto_family *family, const char **fault)
{
    static const struct text total = {"_total", 6};
    struct text name = family->metadata.family;

    if (!family->metadata.unit.length)
        return 0;
    if (family->type == EXPOSITION__METRIC_TYPE__COUNTER && name.length > total.length &&
        !memcmp(name.bytes + name.length - total.length, total.bytes, total.length))
        name.length -= total.length;
    if (!has_unit(name, family->metadata.unit))
        return fail(fault, "the unit is not the end of its name");
    return 0;
}

static int check_family(struct proto_family *family, const char **fault)
{
    static const enum metadata_type types[] = {
        [EXPOSITION__METRIC_TYPE__COUNTER] = METADATA_COUNTER,
        [EXPOSITION__METRIC_TYPE__GAUGE] = METADATA_GAUGE,
        [EXPOSITION__METRIC_TYPE__SUMMARY] = METADATA_SUMMARY,
        [EXPOSITION__METRIC_TYPE__UNTYPED] = METADATA_UNKNOWN,
        [EXPOSITION__METRIC_TYPE__HISTOGRAM] = METADATA_HISTOGRAM,
        [EXPOSITION__METRIC_TYPE__GAUGE_HISTOGRAM] = METADATA_GAUGE_HISTOGRAM,
    };

    if (!family->metadata.family.length || !utf8_is_valid(family->metadata.family))
        return fail(fault, "its name is not valid");
    if (!utf8_is_valid(family->metadata.help))
        return fail(fault, "its help text is not valid UTF-8");
    if ((unsigned)family->type >= ARRAY_SIZE(types))
        return fail(fault, "its type is not known");
    family->metadata.type = types[family->type];
    return check_unit(family, fault);
}

int proto_family_read(struct proto_family *family, struct text message, const char **fault)
{
    bool has_metrics = false;

    *family = (struct proto_family){
        .metadata = {.family = TEXT(""), .help = TEXT(""), .unit = TEXT("")},
        .type = EXPOSITION__METRIC_TYPE__COUNTER,
        .metrics = message,
    };
    while (message.length) {
        struct proto_field field = {0};
        if (!proto_take_field(&message, &field))
            return fail(fault, "malformed");
        if (!take_member(family, &field, &has_metrics))
            return fail(fault, "a member has the wrong type");
    }
    return has_metrics ? check_family(family, fault) : 0;
}

bool proto_family_next(struct proto_family *family, struct text *metric)
{
    struct proto_field field = {0};

    /* proto_family_read has seen that they are all good */
    while (family->metrics.length && field.number != FAMILY_METRIC)
        proto_take_field(&family->metrics, &field);
    *metric = field.bytes;
    return field.number == FAMILY_METRIC;
}
