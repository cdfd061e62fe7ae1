/* SPDX-License-Identifier: Apache-2.0 */
/* One body on its way to a receiver: posted, and posted again after a pause while that may help.
 * What to do with the samples in it is the owner's business. */
#ifndef EDGEMETER_SHIP_SENDER_H
#define EDGEMETER_SHIP_SENDER_H

#include "ship/remote_parts.h"
#include "ship/verdict.h"

#define SENDER_RETRY_AFTER_MAX_NS (300 * UINT64_C(1000000000)) /* a longer Retry-After is cut */
#define SENDER_MESSAGE_MAX_BYTES 1024                          /* of an error's body, for the log */

struct sender;

/* The owner's; read anew at each attempt. */
struct sender_request {
    const void *body;
    size_t length;
    enum remote_write_protocol protocol;
};

struct sender_outcome {
    enum verdict verdict; /* never VERDICT_RETRY */
    int status;
    struct text message; /* the receiver's, may be empty */
    struct written written;
    bool maybe_taken; /* the body has gone out before without an answer to it */
    double seconds;   /* since sender_start, pauses included */
};

struct sender_owner {
    void (*on_attempt)(void *context);
    /* Before a body goes out again; may change the request. False: given up, the sender is idle and
     * on_done is not called. */
    bool (*on_retry)(void *context);
    void (*on_done)(void *context, const struct sender_outcome *outcome);
    void *context;
};

/* 0 or -ENOMEM. The remote's parts outlive it. */
int sender_new(struct remote_parts *parts, const struct sender_owner *owner, struct sender **out);
/* Cancels what is on its way. */
void sender_free(struct sender **sender);

/* While it is idle. `request` lives until on_done. No callback but on_attempt comes from inside. */
void sender_start(struct sender *sender, const struct sender_request *request);
bool sender_is_idle(const struct sender *sender);

#endif
