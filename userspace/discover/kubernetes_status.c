/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a Status. */
#include "discover/kubernetes_status.h"

#include "base/clock.h"
#include "discover/kubernetes_object.h"

#define MOST_RETRY_SECONDS 3600

void kubernetes_status_read(struct kubernetes_status *status, const json_t *json)
{
    const json_t *details = json_object_get(json, "details"), *cause;
    struct text message = kubernetes_text(json, "message");
    size_t i;

    status->code = (int)json_integer_value(json_object_get(json, "code"));
    if (message.length >= sizeof(status->reason))
        message.length = sizeof(status->reason) - 1;
    memcpy(status->reason, message.bytes, message.length);
    status->reason[message.length] = '\0';
    json_int_t seconds = json_integer_value(json_object_get(details, "retryAfterSeconds"));
    if (seconds > 0 && seconds < MOST_RETRY_SECONDS)
        status->retry_after_ns = (uint64_t)seconds * NS_PER_SECOND;
    json_array_foreach(json_object_get(details, "causes"), i, cause)
    {
        if (text_equal(kubernetes_text(cause, "reason"), TEXT("ResourceVersionTooLarge")))
            status->version_too_large = true;
    }
}

void kubernetes_status_read_body(struct kubernetes_status *status, struct text body)
{
    json_t *json = kubernetes_parse(body);

    if (json_is_object(json) && text_equal(kubernetes_text(json, "kind"), TEXT("Status")))
        kubernetes_status_read(status, json);
    json_decref(json);
}
