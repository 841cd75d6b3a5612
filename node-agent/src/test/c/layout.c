/* Prints sizes and offsets of protocol.h, one "name value" per line, for PageLayoutTest. */
#include <protocol.h>
#include <stddef.h>
#include <stdio.h>

#define PRINT(name, value) printf("%s %zu\n", name, (size_t)(value))
#define OFFSET(type, field) PRINT(#type "." #field, offsetof(struct type, field))

int main(void)
{
    PRINT("PROTOCOL_VERSION", ALQ_PROTOCOL_VERSION);
    PRINT("MAX_DEVICES", ALQ_MAX_DEVICES);
    PRINT("MAX_SLOTS", ALQ_MAX_SLOTS);
    PRINT("UUID_BYTES", ALQ_UUID_BYTES);
    PRINT("PATH_BYTES", ALQ_PATH_BYTES);
    PRINT("NAME_BYTES", ALQ_NAME_BYTES);
    PRINT("CONTROL_MAGIC", ALQ_CONTROL_MAGIC);
    PRINT("USAGE_MAGIC", ALQ_USAGE_MAGIC);
    PRINT("FRAME_MAGIC", ALQ_FRAME_MAGIC);
    PRINT("FRAME_MAX_PAYLOAD", ALQ_FRAME_MAX_PAYLOAD);
    PRINT("alq_control_page", sizeof(struct alq_control_page));
    PRINT("alq_control_device", sizeof(struct alq_control_device));
    PRINT("alq_control_slot", sizeof(struct alq_control_slot));
    PRINT("alq_usage_page", sizeof(struct alq_usage_page));
    PRINT("alq_usage_slot", sizeof(struct alq_usage_slot));
    OFFSET(alq_control_page, magic);
    OFFSET(alq_control_page, version);
    OFFSET(alq_control_page, state);
    OFFSET(alq_control_page, device_count);
    OFFSET(alq_control_page, heartbeat_ns);
    OFFSET(alq_control_page, gate);
    OFFSET(alq_control_page, agent_wait_ms);
    OFFSET(alq_control_page, agent_epoch);
    OFFSET(alq_control_page, tenant);
    OFFSET(alq_control_page, cuda_library);
    OFFSET(alq_control_page, nvml_library);
    OFFSET(alq_control_page, devices);
    OFFSET(alq_control_page, slots);
    OFFSET(alq_control_device, uuid);
    OFFSET(alq_control_device, request_bytes);
    OFFSET(alq_control_device, limit_bytes);
    OFFSET(alq_control_device, overhead_bytes);
    OFFSET(alq_control_device, context_estimate_bytes);
    OFFSET(alq_control_device, other_used_bytes);
    OFFSET(alq_control_device, flags);
    PRINT("DEVICE_MOVABLE", ALQ_DEVICE_MOVABLE);
    OFFSET(alq_control_slot, host_pid);
    OFFSET(alq_control_slot, tenant_pid);
    OFFSET(alq_control_slot, start_time);
    OFFSET(alq_control_slot, generation);
    OFFSET(alq_control_slot, wake);
    OFFSET(alq_control_slot, host_bytes);
    OFFSET(alq_control_slot, credit_bytes);
    OFFSET(alq_control_slot, resident_bytes);
    OFFSET(alq_control_slot, covered_bytes);
    OFFSET(alq_usage_page, slots);
    OFFSET(alq_usage_slot, generation);
    OFFSET(alq_usage_slot, state);
    OFFSET(alq_usage_slot, refusals);
    OFFSET(alq_usage_slot, changes);
    OFFSET(alq_usage_slot, in_flight);
    OFFSET(alq_usage_slot, used_bytes);
    OFFSET(alq_usage_slot, demoted_bytes);
    OFFSET(alq_usage_slot, movable_bytes);
    PRINT("alq_frame", sizeof(struct alq_frame));
    PRINT("alq_hello", sizeof(struct alq_hello));
    PRINT("alq_welcome", sizeof(struct alq_welcome));
    PRINT("alq_ask", sizeof(struct alq_ask));
    PRINT("alq_granted", sizeof(struct alq_granted));
    PRINT("alq_settle", sizeof(struct alq_settle));
    PRINT("alq_bye", sizeof(struct alq_bye));
    PRINT("alq_take_chunk", sizeof(struct alq_take_chunk));
    PRINT("alq_chunk_given", sizeof(struct alq_chunk_given));
    PRINT("alq_return_chunk", sizeof(struct alq_return_chunk));
    PRINT("alq_moved", sizeof(struct alq_moved));
    OFFSET(alq_take_chunk, bytes);
    OFFSET(alq_return_chunk, id);
    OFFSET(alq_moved, outcome);
    OFFSET(alq_moved, promoted);
    OFFSET(alq_moved, moved_bytes);
    OFFSET(alq_moved, copy_ns);
    OFFSET(alq_moved, closed_ns);
    PRINT("alq_refused", sizeof(struct alq_refused));
    OFFSET(alq_ask, slot);
    OFFSET(alq_ask, device);
    OFFSET(alq_ask, generation);
    OFFSET(alq_ask, wanted_bytes);
    OFFSET(alq_welcome, generation);
    OFFSET(alq_refused, reason);
    PRINT("HELLO", ALQ_FRAME_HELLO);
    PRINT("WELCOME", ALQ_FRAME_WELCOME);
    PRINT("ASK", ALQ_FRAME_ASK);
    PRINT("GRANTED", ALQ_FRAME_GRANTED);
    PRINT("SETTLE", ALQ_FRAME_SETTLE);
    PRINT("BYE", ALQ_FRAME_BYE);
    PRINT("TAKE_CHUNK", ALQ_FRAME_TAKE_CHUNK);
    PRINT("CHUNK", ALQ_FRAME_CHUNK);
    PRINT("RETURN_CHUNK", ALQ_FRAME_RETURN_CHUNK);
    PRINT("MOVED", ALQ_FRAME_MOVED);
    PRINT("REFUSED", ALQ_FRAME_REFUSED);
    PRINT("MOVE_DONE", ALQ_MOVE_DONE);
    PRINT("MOVE_NOTHING", ALQ_MOVE_NOTHING);
    PRINT("MOVE_HOST_POOL", ALQ_MOVE_HOST_POOL);
    PRINT("MOVE_BUSY", ALQ_MOVE_BUSY);
    PRINT("MOVE_CAPTURING", ALQ_MOVE_CAPTURING);
    PRINT("MOVE_FAILED", ALQ_MOVE_FAILED);
    PRINT("LIMIT", ALQ_STATUS_LIMIT);
    PRINT("NOT_A_TENANT", ALQ_STATUS_NOT_A_TENANT);
    PRINT("MALFORMED", ALQ_STATUS_MALFORMED);
    PRINT("VERSION", ALQ_STATUS_VERSION);
    PRINT("NO_SLOT", ALQ_STATUS_NO_SLOT);
    PRINT("STALE", ALQ_STATUS_STALE);
    PRINT("CLOSED", ALQ_STATUS_CLOSED);
    PRINT("UNAVAILABLE", ALQ_STATUS_UNAVAILABLE);
    PRINT("HOST_POOL", ALQ_STATUS_HOST_POOL);
    return 0;
}
