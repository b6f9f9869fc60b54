// SPDX-License-Identifier: Apache-2.0
// Every metric there is: its type, what it tells, its labels. Loaded when somebody scrapes, and to make docs/reference/metrics.md.

export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: readonly string[];
}

const counter = (help: string, ...labels: readonly string[]): MetricDefinition => ({ type: 'counter', help, labels });
const gauge = (help: string, ...labels: readonly string[]): MetricDefinition => ({ type: 'gauge', help, labels });
const histogram = (help: string, ...labels: readonly string[]): MetricDefinition => ({
  type: 'histogram',
  help,
  labels,
});

/** No label names a session, a user or a message: their values are few. */
export const METRICS = {
  sigil_build_info: gauge('Always 1; which Sigil this is.', 'version', 'commit'),
  sigil_uptime_seconds: gauge('Since the edge began.'),
  sigil_up: gauge('1 while the gateway runs, 0 while it starts or drains.'),
  sigil_agent_paused: gauge('1 while no new turn begins.'),
  sigil_quarantined_parts: gauge('Parts that were configured and do not run.'),
  sigil_process_resident_memory_bytes: gauge('Memory of the process in RAM.'),
  sigil_process_cpu_seconds_total: counter('Processor time of the process.', 'mode'),
  sigil_thread_up: gauge('1 when the thread answered this scrape.', 'thread'),
  sigil_thread_restarts_total: counter('Lives of the thread after its first.', 'thread'),
  sigil_thread_heap_bytes: gauge('Heap in use.', 'thread'),
  sigil_thread_external_bytes: gauge('Memory its heap holds elsewhere, buffers among it.', 'thread'),
  sigil_thread_loop_delay_seconds: gauge(
    'By how much its loop was late in the last 13 seconds; quantile 0.5 or 0.99.',
    'thread',
    'quantile',
  ),
  sigil_thread_utilisation_ratio: gauge('Share of time its loop was busy in the last second, 0 to 1.', 'thread'),
  sigil_thread_mailbox_messages: gauge('Messages in mailboxes, taken and not handled.', 'thread'),
  sigil_thread_messages_total: counter('Messages from (in) and to (out) other threads.', 'thread', 'direction'),
  sigil_actors: gauge('Actors that live now.', 'kind'),
  sigil_sessions_working: gauge('Sessions with a turn, by the state of their chart.', 'state'),
  sigil_approvals_pending: gauge('Turns that wait for a person to allow a call.'),
  sigil_bus_sent_total: counter('Messages sent, by the kind they are for.', 'kind'),
  sigil_bus_delivered_total: counter('Messages delivered.', 'kind'),
  sigil_bus_timeouts_total: counter('Asks that were not answered in their time.', 'kind'),
  sigil_bus_dead_letters_total: counter('Messages that reached nobody.', 'kind'),
  sigil_bus_asks_in_flight: gauge('Asks that wait for their answers.', 'kind'),
  sigil_turns_started_total: counter('Turns that began.'),
  sigil_turns_total: counter(
    'Turns that are over: stop, length, content_filter, cancelled, or the code of what failed them.',
    'outcome',
  ),
  sigil_turn_duration_seconds: histogram('From the start of a turn to its end, durable.', 'outcome'),
  sigil_turn_queue_seconds: histogram('From a message to the start of its turn.'),
  sigil_messages_received_total: counter('Messages that were taken.', 'channel'),
  sigil_model_calls_total: counter('Calls of models for turns that came to an end, by how.', 'model', 'finish'),
  sigil_model_tokens_total: counter('Tokens of turns: input, output, cache_read, cache_write.', 'model', 'kind'),
  sigil_model_cost_usd_total: counter('What turns cost, as far as prices are known.', 'model'),
  sigil_model_replaced_total: counter('Turns that went on with another model, by the one that could not.', 'model'),
  sigil_tool_calls_total: counter('Tool calls that came back: ok or error.', 'tool', 'outcome'),
  sigil_tool_call_duration_seconds: histogram('How long tool calls ran.'),
  sigil_approvals_total: counter('Requests for approval that are over.', 'decision'),
  sigil_scanner_verdicts_total: counter(
    'What the scanner found: in messages (input), results (tool), replies (output); block or flag.',
    'where',
    'verdict',
  ),
  sigil_replies_lost_total: counter('Answers whose channel did not take them in their time.', 'channel'),
  sigil_provider_calls_total: counter('Permits asked for.', 'provider'),
  sigil_provider_failures_total: counter('Calls that failed for the vendor.', 'provider'),
  sigil_provider_in_flight: gauge('Calls under way.', 'provider'),
  sigil_provider_waiting: gauge('Requests that wait for a permit.', 'provider'),
  sigil_provider_circuit_open: gauge('1 unless its circuit is closed.', 'provider'),
  sigil_provider_latency_seconds: gauge(
    'Of its newest calls that went well; phase first_event or whole.',
    'provider',
    'phase',
    'quantile',
  ),
  sigil_budget_used: gauge('What of the running hour and day is used; unit tokens or usd.', 'scope', 'span', 'unit'),
  sigil_budget_limit: gauge('Limits that are set.', 'scope', 'span', 'unit'),
  sigil_budget_reserved: gauge('Reserved for calls under way.', 'scope', 'unit'),
  sigil_channel_up: gauge('1 while it is online (or open).', 'channel', 'type'),
  sigil_channel_received_total: counter('Messages taken by the channel.', 'channel'),
  sigil_channel_refused_total: counter('Messages it did not take.', 'channel'),
  sigil_channel_sent_total: counter('Messages its platform has taken.', 'channel'),
  sigil_channel_outbox_messages: gauge('What is to be said and has not been.', 'channel'),
  sigil_channel_outbox_oldest_seconds: gauge('How long the oldest of that has waited.', 'channel'),
  sigil_channel_dead_letters_total: counter('What was given up.', 'channel'),
  sigil_journal_rows_total: counter('Rows made durable.'),
  sigil_journal_commits_total: counter('Transactions of the journal; one holds what many sessions wait for.'),
  sigil_journal_conflicts_total: counter('Appends that were refused because their stream had moved on.'),
  sigil_views_behind_rows: gauge('Rows of the journal that a projection has not applied.', 'projection'),
  sigil_http_requests_total: counter(
    'Requests that were answered; route is the path with its parameters named.',
    'method',
    'route',
    'status',
  ),
  sigil_http_request_duration_seconds: histogram(
    'Until an answer is written; event streams are not among them.',
    'route',
  ),
  sigil_trace_spans_sent_total: counter('Spans the collector has taken, where `telemetry.otlp_endpoint` is set.'),
  sigil_trace_spans_dropped_total: counter(
    'Spans it did not take (not_taken), that found no room (queue_full), or facts of turns that were lost (link, turns).',
    'reason',
  ),
  sigil_http_streams_open: gauge('Event streams that are open.'),
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;
