use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::claude::fixtures::*;
use crate::claude::sse::Decoder;

/// Feeds a stream in pieces of `size` bytes and finishes.
fn meter_in(stream: &[u8], size: usize, complete: bool) -> UsageMeter {
    let (mut decoder, mut meter) = (Decoder::new(), UsageMeter::new());
    for piece in stream.chunks(size) {
        decoder.feed(piece, &mut |e| meter.on_event(e.kind(), e.data)).unwrap();
    }
    decoder.finish(&mut |e| meter.on_event(e.kind(), e.data));
    meter.finish(complete);
    meter
}

fn meter(stream: &str, complete: bool) -> UsageMeter {
    meter_in(stream.as_bytes(), usize::MAX, complete)
}

/// Input, output, cache writes (both lifetimes), cache reads: the four columns of the predecessor's vectors.
fn four(usage: &Usage) -> [u64; 4] {
    [usage.input, usage.output, usage.cache_write_5m + usage.cache_write_1h, usage.cache_read]
}

fn four_fields([input, output, write, read]: [u64; 4]) -> Value {
    json!({
        "input_tokens": input, "output_tokens": output,
        "cache_creation_input_tokens": write, "cache_read_input_tokens": read,
    })
}

fn delta(usage: Value) -> String {
    message_delta(json!("end_turn"), usage)
}

/// Cache writes (5 m, 1 h) after these usage objects.
fn writes(usages: &[Value]) -> (u64, u64) {
    let stream: String = usages.iter().cloned().map(delta).collect();
    let meter = meter(&stream, true);
    (meter.usage().cache_write_5m, meter.usage().cache_write_1h)
}

fn split(total: u64, five: u64, hour: u64) -> Value {
    let split = json!({"ephemeral_5m_input_tokens": five, "ephemeral_1h_input_tokens": hour});
    json!({"cache_creation_input_tokens": total, "cache_creation": split})
}

#[test]
fn vector_delta_with_all_four_counts() {
    let stream = delta(four_fields([5, 582, 494, 110_689]));
    assert_eq!(four(meter(&stream, true).usage()), [5, 582, 494, 110_689]);
}

#[test]
fn vector_start_only() {
    let stream = message_start(four_fields([129_351, 0, 1_223, 0]));
    let meter = meter(&stream, false);
    assert_eq!(four(meter.usage()), [129_351, 0, 1_223, 0]);
    assert!(meter.usage().estimated);
}

#[test]
fn vector_zeros_in_the_delta_keep_the_cache_counts_of_the_start() {
    let stream = message_start(four_fields([5, 1, 357, 204_278])) + &delta(four_fields([0, 90, 0, 0]));
    assert_eq!(four(meter(&stream, true).usage()), [5, 90, 357, 204_278]);
}

#[test]
fn vector_start_then_cut() {
    let stream = message_start(four_fields([5_000, 100, 0, 200]));
    assert_eq!(four(meter(&stream, false).usage()), [5_000, 100, 0, 200]);
}

#[test]
fn vector_delta_without_usage_keeps_the_start() {
    let no_usage =
        event("message_delta", &json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}));
    let stream = message_start(four_fields([7, 3, 0, 0])) + &no_usage;
    let meter = meter(&stream, false);
    assert_eq!(four(meter.usage()), [7, 3, 0, 0]);
    assert!(!meter.usage().estimated);
    assert_eq!(meter.stop_reason(), Some("end_turn"));
}

#[test]
fn vector_last_delta_wins_and_nothing_is_summed() {
    let stream = message_start(four_fields([9, 1, 0, 0]))
        + &delta(json!({"output_tokens": 10}))
        + &delta(json!({"output_tokens": 25, "input_tokens": 11}));
    assert_eq!(four(meter(&stream, true).usage()), [11, 25, 0, 0]);
}

#[test]
fn vector_final_event_without_its_blank_line() {
    let stream = delta(json!({"output_tokens": 10}));
    assert_eq!(meter(stream.trim_end(), true).usage().output, 10);
}

#[test]
fn vector_no_space_after_the_colon_and_stray_prefix() {
    let stream = delta(json!({"output_tokens": 10}));
    assert_eq!(meter(&stream.replace(": ", ":"), true).usage().output, 10);
    assert_eq!(meter(&stream.replace("event: ", "event: content_event: "), true).usage().output, 10);
}

#[test]
fn vector_data_only_stream() {
    let stream: String =
        full_stream(3).lines().filter(|l| !l.starts_with("event:")).map(|l| format!("{l}\n")).collect();
    assert_eq!(meter(&stream, true).usage(), meter(&full_stream(3), true).usage());
}

#[test]
fn vector_all_zero_is_no_usage() {
    let stream = message_start(four_fields([0; 4])) + &delta(four_fields([0; 4]));
    assert!(meter(&stream, true).usage().is_empty());
    assert!(!meter(&message_start(four_fields([0; 4])), false).usage().estimated);
}

#[test]
fn vector_json_with_event_stream_text_inside() {
    let text = "event: message_delta\ndata: {\"usage\":{\"output_tokens\":999}}\n\n";
    let mut meter = UsageMeter::new();
    meter.on_json(message(json!([{"type": "text", "text": text}]), "end_turn", 4).as_bytes());
    meter.finish(true);
    assert_eq!(four(meter.usage()), [3, 4, 0, 0]);
    assert_eq!((meter.model(), meter.stop_reason()), (Some("claude-opus-4-8"), Some("end_turn")));
}

#[test]
fn vector_error_answer_with_usage() {
    let mut meter = UsageMeter::new();
    meter.on_json(
        br#"{"type":"error","error":{"type":"api_error","message":"m"},"usage":{"input_tokens":6}}"#,
    );
    assert_eq!(meter.usage().input, 6);
}

#[test]
fn a_full_stream_is_read_field_by_field() {
    let meter = meter(&full_stream(5), true);
    let expected = Usage {
        input: 12,
        output: 582,
        cache_read: 110_689,
        cache_write_5m: 100,
        cache_write_1h: 200,
        web_search: 2,
        service_tier: Some("standard".into()),
        inference_geo: Some("us".into()),
        ..Usage::default()
    };
    assert_eq!(meter.usage(), &expected);
    assert_eq!(meter.usage().prompt_tokens(), 12 + 110_689 + 300);
    assert_eq!((meter.model(), meter.stop_reason()), (Some("claude-opus-4-8"), Some("tool_use")));
    assert!(meter.saw_start() && meter.saw_delta());
}

#[test]
fn an_answer_to_count_tokens_is_no_usage() {
    let mut meter = UsageMeter::new();
    meter.on_json(br#"{"input_tokens":2095}"#);
    meter.finish(true);
    assert!(meter.usage().is_empty());
}

#[test]
fn a_delta_may_carry_the_true_cache_split() {
    let start = message_start(four_fields([50_000, 1, 0, 0]));
    let usage = json!({
        "input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 40_000, "cache_creation_input_tokens": 9_990,
        "cache_creation": {"ephemeral_1h_input_tokens": 9_990},
    });
    let meter = meter(&(start + &delta(usage)), true);
    assert_eq!(four(meter.usage()), [10, 5, 9_990, 40_000]);
    assert_eq!(meter.usage().cache_write_1h, 9_990);
}

#[test]
fn cache_writes_by_lifetime() {
    let total = |n: u64| json!({"cache_creation_input_tokens": n});
    assert_eq!(writes(&[total(70)]), (70, 0));
    assert_eq!(writes(&[split(70, 0, 70)]), (0, 70));
    assert_eq!(writes(&[split(0, 30, 40)]), (30, 40));
    assert_eq!(writes(&[split(70, 70, 0), split(70, 0, 70)]), (0, 70));
    assert_eq!(writes(&[split(100, 30, 40)]), (60, 40));
    assert_eq!(writes(&[split(50, 30, 40)]), (30, 40));
    assert_eq!(writes(&[split(70, 0, 70), total(100)]), (0, 100));
    assert_eq!(writes(&[split(70, 30, 40), total(100)]), (60, 40));
    assert_eq!(writes(&[split(70, 30, 40), total(50)]), (10, 40));
    assert_eq!(writes(&[split(70, 30, 40), total(20)]), (0, 20));
    assert_eq!(writes(&[split(70, 30, 40), total(70)]), (30, 40));
    assert_eq!(writes(&[split(70, 30, 40), split(0, 0, 0)]), (30, 40));
    assert_eq!(
        writes(&[split(70, 30, 40), json!({"cache_creation": {"ephemeral_5m_input_tokens": 35}})]),
        (35, 40)
    );
}

#[test]
fn a_cut_stream_has_an_estimated_output() {
    let stream = full_stream(300);
    let before_delta = &stream[..stream.find("event: message_delta").unwrap()];
    let meter_cut = meter(before_delta, false);
    let usage = meter_cut.usage();
    assert!(usage.estimated && meter_cut.saw_start() && !meter_cut.saw_delta());
    // 300 words of about 16 bytes; the signature is not counted.
    assert!((1_000..3_000).contains(&usage.output), "{}", usage.output);
    assert_eq!(usage.cache_read, 110_689);
    assert!(!meter(&stream, false).usage().estimated, "the delta has come");
    assert!(!meter(before_delta, true).usage().estimated, "called complete");
}

#[test]
fn the_wrapping_of_a_delta_is_not_output() {
    let empty = json!({"type": "text_delta", "text": ""});
    assert_eq!(meter(&block_delta(0, empty), false).usage().output, 0);
    let thirty = json!({"type": "text_delta", "text": "x".repeat(30)});
    assert_eq!(meter(&block_delta(0, thirty), false).usage().output, 10);
    let signature = json!({"type": "signature_delta", "signature": "x".repeat(3_000)});
    assert_eq!(meter(&block_delta(0, signature), false).usage().output, 0);
}

#[test]
fn broken_events_count_nothing() {
    let stream = message_start(four_fields([5, 1, 0, 0]))
        + "event: message_delta\ndata: {\"usage\":{\"output_tokens\":9}\n\n"
        + "event: message_delta\ndata: [DONE]\n\n";
    let meter = meter(&stream, false);
    assert_eq!(four(meter.usage()), [5, 1, 0, 0]);
    assert!(!meter.saw_delta() && meter.usage().estimated);
}

#[test]
fn sums_over_attempts_saturate_and_keep_the_last_tier() {
    let one = Usage { input: u64::MAX, output: 2, service_tier: Some("batch".into()), ..Usage::default() };
    let two = Usage { input: 1, output: 3, estimated: true, ..Usage::default() };
    let sum: Usage = [&one, &two].into_iter().sum();
    assert_eq!((sum.input, sum.output, sum.estimated), (u64::MAX, 5, true));
    assert_eq!(sum.service_tier.as_deref(), Some("batch"));
    assert_eq!(sum.prompt_tokens(), u64::MAX);
}

#[test]
fn usage_survives_serialisation_and_unknown_or_missing_fields() {
    let usage = meter(&full_stream(1), true).usage().clone();
    let json = serde_json::to_string(&usage).unwrap();
    assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
    assert_eq!(serde_json::from_str::<Usage>(r#"{"input":4,"later":1}"#).unwrap().input, 4);
}

proptest! {
    #[test]
    fn cuts_and_line_ends_change_nothing(
        words in 0usize..8,
        size in 1usize..300,
        end in prop::sample::select(vec![LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr]),
        length in any::<prop::sample::Index>(),
    ) {
        let stream = full_stream(words);
        let whole = meter(&stream, true);
        let other = meter_in(&with_line_ends(&stream, end), size, true);
        prop_assert_eq!(other.usage(), whole.usage());
        let part = &stream.as_bytes()[..length.index(stream.len())];
        let (cut, uncut) = (meter_in(part, size, false), meter_in(part, usize::MAX, false));
        prop_assert_eq!(cut.usage(), uncut.usage());
    }

    #[test]
    fn cache_writes_add_up_to_the_last_total(
        start in (1u64..1000, 0u64..1000).prop_map(|(total, five)| split(total, five.min(total), total - five.min(total))),
        total in 1u64..3000,
    ) {
        let (five, hour) = writes(&[start, json!({"cache_creation_input_tokens": total})]);
        prop_assert_eq!(five + hour, total);
    }
}
