package dev.aliquot.agent.page;

import static org.assertj.core.api.Assertions.assertThat;

import dev.aliquot.agent.share.Shares;
import dev.aliquot.agent.support.CProgram;
import dev.aliquot.agent.wire.FrameFormat;
import dev.aliquot.agent.wire.MoveOutcome;
import dev.aliquot.agent.wire.Status;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The numbers here against what the C compiler makes of protocol.h. */
class PageLayoutTest {
  private static final Map<String, Long> C = new HashMap<>();

  @BeforeAll
  static void compile() throws IOException {
    Process layout = new ProcessBuilder(CProgram.of("layout").toString()).start();
    new String(layout.getInputStream().readAllBytes(), StandardCharsets.US_ASCII)
        .lines()
        .map(line -> line.split(" "))
        .forEach(pair -> C.put(pair[0], Long.valueOf(pair[1])));
  }

  private static void same(String name, long value) {
    assertThat(C).as(name).containsEntry(name, value);
  }

  @Test
  void sizesAndMagicsAreThoseOfTheHeader() {
    same("PROTOCOL_VERSION", PageLayout.PROTOCOL_VERSION);
    same("MAX_DEVICES", PageLayout.MAX_DEVICES);
    same("MAX_SLOTS", PageLayout.MAX_SLOTS);
    same("UUID_BYTES", PageLayout.UUID_BYTES);
    same("PATH_BYTES", PageLayout.PATH_BYTES);
    same("NAME_BYTES", PageLayout.NAME_BYTES);
    same("CONTROL_MAGIC", PageLayout.CONTROL_MAGIC);
    same("USAGE_MAGIC", PageLayout.USAGE_MAGIC);
    same("alq_control_page", PageLayout.CONTROL_PAGE_BYTES);
    same("alq_control_device", PageLayout.CONTROL_DEVICE_BYTES);
    same("alq_control_slot", PageLayout.SLOT_BYTES);
    same("alq_usage_page", PageLayout.USAGE_PAGE_BYTES);
    same("alq_usage_slot", PageLayout.SLOT_BYTES);
  }

  @Test
  void controlPageFieldsAreWhereTheHeaderPutsThem() {
    same("alq_control_page.magic", PageLayout.MAGIC);
    same("alq_control_page.version", PageLayout.VERSION);
    same("alq_control_page.state", PageLayout.STATE);
    same("alq_control_page.device_count", PageLayout.DEVICE_COUNT);
    same("alq_control_page.heartbeat_ns", PageLayout.HEARTBEAT_NS);
    same("alq_control_page.gate", PageLayout.GATE);
    same("alq_control_page.agent_wait_ms", PageLayout.AGENT_WAIT_MS);
    same("alq_control_page.agent_epoch", PageLayout.AGENT_EPOCH);
    same("alq_control_page.tenant", PageLayout.TENANT);
    same("alq_control_page.cuda_library", PageLayout.CUDA_LIBRARY);
    same("alq_control_page.nvml_library", PageLayout.NVML_LIBRARY);
    same("alq_control_page.devices", PageLayout.CONTROL_DEVICES);
    same("alq_control_page.slots", PageLayout.SLOTS);
    same("alq_control_device.uuid", PageLayout.DEVICE_UUID);
    same("alq_control_device.request_bytes", PageLayout.DEVICE_REQUEST);
    same("alq_control_device.limit_bytes", PageLayout.DEVICE_LIMIT);
    same("alq_control_device.overhead_bytes", PageLayout.DEVICE_OVERHEAD);
    same("alq_control_device.context_estimate_bytes", PageLayout.DEVICE_CONTEXT_ESTIMATE);
    same("alq_control_device.other_used_bytes", PageLayout.DEVICE_OTHER_USED);
    same("alq_control_device.flags", PageLayout.DEVICE_FLAGS);
    same("DEVICE_MOVABLE", PageLayout.DEVICE_MOVABLE);
    same("DEVICE_LEAVES", PageLayout.DEVICE_LEAVES);
    same("DEVICE_COUNTS", PageLayout.DEVICE_COUNTS);
    same("alq_control_slot.host_pid", PageLayout.SLOT_HOST_PID);
    same("alq_control_slot.tenant_pid", PageLayout.SLOT_TENANT_PID);
    same("alq_control_slot.start_time", PageLayout.SLOT_START_TIME);
    same("alq_control_slot.generation", PageLayout.SLOT_GENERATION);
    same("alq_control_slot.wake", PageLayout.SLOT_WAKE);
    same("alq_control_slot.away", PageLayout.SLOT_AWAY);
    same("alq_control_slot.host_bytes", PageLayout.SLOT_HOST_BYTES);
    same("alq_control_slot.deep", PageLayout.SLOT_DEEP);
    same("alq_control_slot.context_mib", PageLayout.SLOT_CONTEXTS);
    same("alq_control_slot.credit_bytes", PageLayout.SLOT_CREDIT);
    same("alq_control_slot.resident_bytes", PageLayout.SLOT_RESIDENT);
    same("alq_control_slot.covered_bytes", PageLayout.SLOT_COVERED);
  }

  @Test
  void usagePageFieldsAreWhereTheHeaderPutsThem() {
    same("alq_usage_page.slots", PageLayout.SLOTS);
    same("alq_usage_slot.generation", PageLayout.USAGE_GENERATION);
    same("alq_usage_slot.state", PageLayout.USAGE_STATE);
    same("alq_usage_slot.refusals", PageLayout.USAGE_REFUSALS);
    same("alq_usage_slot.changes", PageLayout.USAGE_CHANGES);
    same("alq_usage_slot.in_flight", PageLayout.USAGE_IN_FLIGHT);
    same("alq_usage_slot.parked", PageLayout.USAGE_PARKED);
    same("alq_usage_slot.submissions", PageLayout.USAGE_SUBMISSIONS);
    same("alq_usage_slot.used_bytes", PageLayout.USAGE_USED);
    same("alq_usage_slot.demoted_bytes", PageLayout.USAGE_DEMOTED);
    same("alq_usage_slot.movable_bytes", PageLayout.USAGE_MOVABLE);
    same("alq_usage_slot.pins", PageLayout.USAGE_PINS);
    same("PIN_WORDS", PageLayout.PIN_WORDS);
    same("PIN_BYTES_MASK", PageLayout.PIN_BYTES_MASK);
    same("PIN_DEVICE_SHIFT", PageLayout.PIN_DEVICE_SHIFT);
    same("PIN_REASON_SHIFT", PageLayout.PIN_REASON_SHIFT);
    for (PinReason reason : PinReason.values()) {
      same("PINNED_" + reason, reason.code());
    }
  }

  @Test
  void fieldsOfFramesAboutSharesAreWhereTheDecoderReadsThem() {
    same("alq_share.descriptor", 4);
    same("alq_share.generation", 8);
    same("alq_share.id", 16);
    same("alq_share.bytes", 24);
    same("alq_share.piece", 32);
    same("alq_share.pieces", 36);
    same("alq_unshare.id", 16);
    same("alq_open_share.piece", 4);
    same("alq_open_share.id", 16);
    same("alq_shared.id", 0);
    same("alq_shared.bytes", 8);
    same("alq_shared.piece", 16);
    same("alq_shared.pieces", 20);
  }

  @Test
  void framesAreThoseOfTheHeader() {
    same("FRAME_MAGIC", FrameFormat.MAGIC);
    same("PROTOCOL_VERSION", FrameFormat.VERSION);
    same("FRAME_MAX_PAYLOAD", FrameFormat.MAX_PAYLOAD_BYTES);
    same("alq_frame", FrameFormat.HEADER_BYTES);
    same("alq_hello", FrameFormat.HELLO_BYTES);
    same("alq_welcome", FrameFormat.WELCOME_BYTES);
    same("alq_ask", FrameFormat.ASK_BYTES);
    same("alq_granted", FrameFormat.GRANTED_BYTES);
    same("alq_settle", FrameFormat.SETTLE_BYTES);
    same("alq_bye", FrameFormat.BYE_BYTES);
    same("alq_take_chunk", FrameFormat.TAKE_CHUNK_BYTES);
    same("alq_chunk_given", FrameFormat.CHUNK_BYTES);
    same("alq_return_chunk", FrameFormat.RETURN_CHUNK_BYTES);
    same("alq_reopen_chunk", FrameFormat.REOPEN_CHUNK_BYTES);
    same("alq_reopen_chunk.id", 16);
    same("alq_moved", FrameFormat.MOVED_BYTES);
    same("TAKE_CHUNK", FrameFormat.TAKE_CHUNK);
    same("CHUNK", FrameFormat.CHUNK);
    same("RETURN_CHUNK", FrameFormat.RETURN_CHUNK);
    same("REOPEN_CHUNK", FrameFormat.REOPEN_CHUNK);
    same("MOVED", FrameFormat.MOVED);
    same("RESUME", FrameFormat.RESUME);
    same("alq_resume", FrameFormat.RESUME_BYTES);
    for (MoveOutcome outcome : MoveOutcome.values()) {
      same("MOVE_" + outcome.name(), outcome.code());
    }
    same("SHARE_PIECES", Shares.MOST_PIECES);
    same("SHARE", FrameFormat.SHARE);
    same("alq_share", FrameFormat.SHARE_BYTES);
    same("UNSHARE", FrameFormat.UNSHARE);
    same("alq_unshare", FrameFormat.UNSHARE_BYTES);
    same("OPEN_SHARE", FrameFormat.OPEN_SHARE);
    same("alq_open_share", FrameFormat.OPEN_SHARE_BYTES);
    same("SHARED", FrameFormat.SHARED);
    same("alq_shared", FrameFormat.SHARED_BYTES);
    same("alq_refused", FrameFormat.REFUSED_BYTES);
    same("alq_refused.reason", FrameFormat.REFUSED_BYTES - FrameFormat.REASON_BYTES);
    same("HELLO", FrameFormat.HELLO);
    same("WELCOME", FrameFormat.WELCOME);
    same("ASK", FrameFormat.ASK);
    same("GRANTED", FrameFormat.GRANTED);
    same("SETTLE", FrameFormat.SETTLE);
    same("BYE", FrameFormat.BYE);
    same("REFUSED", FrameFormat.REFUSED);
    for (Status status : Status.values()) {
      same(status.name(), status.code());
    }
  }
}
