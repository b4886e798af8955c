/**
 * The metrics that GET /metrics shows, and their text as Prometheus reads it (exposition format 0.0.4). Names end in their units;
 * docs/operations.md has the same table, and a test holds it against this.
 */

interface Metric {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
}

export const metrics = {
  hupo_api_requests_total: { type: 'counter', help: 'Requests answered, by action and code (OK for success).' },
  hupo_api_request_duration_seconds: {
    type: 'histogram',
    help: 'How long requests took, by action. HupoDescribeEvents may wait on request.',
  },
  hupo_operations: { type: 'gauge', help: 'Operations under way, by kind, and whether they are being undone.' },
  hupo_operation_failures_total: { type: 'counter', help: 'Operations that failed for good and were undone, by kind.' },
  hupo_snapshots: { type: 'gauge', help: 'Snapshots in lists, by status.' },
  hupo_disks: { type: 'gauge', help: 'Disks, by status.' },
  hupo_data_plane_up: { type: 'gauge', help: '1 if the data plane answers.' },
  hupo_open_disks: { type: 'gauge', help: 'Disks that are served over NBD.' },
  hupo_nbd_clients: { type: 'gauge', help: 'NBD clients connected, to all disks.' },
  hupo_disks_sync_failed: {
    type: 'gauge',
    help: 'Disks whose last sync failed: every flush fails until they are reopened.',
  },
  hupo_disk_reads_total: { type: 'counter', help: 'Reads of a disk since it was opened (serve --disk-metrics).' },
  hupo_disk_writes_total: { type: 'counter', help: 'Writes of a disk since it was opened (serve --disk-metrics).' },
  hupo_disk_read_bytes_total: {
    type: 'counter',
    help: 'Bytes read from a disk since it was opened (serve --disk-metrics).',
  },
  hupo_disk_written_bytes_total: {
    type: 'counter',
    help: 'Bytes written to a disk since it was opened (serve --disk-metrics).',
  },
  hupo_repository_packs: { type: 'gauge', help: 'Packs in the repository.' },
  hupo_repository_bytes: { type: 'gauge', help: 'Bytes of all packs.' },
  hupo_repository_garbage_bytes: { type: 'gauge', help: 'Bytes of packs of which nothing is needed, not yet deleted.' },
  hupo_repository_bad_copies: { type: 'gauge', help: 'Stored chunks and pages that were found damaged.' },
  hupo_verification_last_pass_timestamp_seconds: {
    type: 'gauge',
    help: 'When the last pass over every stored byte began; absent before the first.',
  },
  hupo_catalog_copy_timestamp_seconds: {
    type: 'gauge',
    help: 'When this server last copied the catalog into the repository; absent before the first.',
  },
  hupo_filesystem_free_bytes: { type: 'gauge', help: 'Free on the file system of a folder.' },
  hupo_filesystem_size_bytes: { type: 'gauge', help: 'Size of the file system of a folder.' },
  hupo_filesystem_reserve_bytes: {
    type: 'gauge',
    help: 'With less free than this, guests cannot write what needs room.',
  },
  hupo_filesystem_high_water_bytes: {
    type: 'gauge',
    help: 'With less free than this, no snapshot or import is begun.',
  },
  hupo_webhook_backlog: { type: 'gauge', help: 'Events that wait for a webhook.' },
  hupo_webhook_failures: { type: 'gauge', help: 'Tries in a row that a webhook did not take.' },
  hupo_webhook_missed_total: { type: 'counter', help: 'Events that were not kept long enough for a webhook.' },
  hupo_process_resident_memory_bytes: { type: 'gauge', help: 'Memory of the control plane.' },
  hupo_process_cpu_seconds_total: { type: 'counter', help: 'Processor time of the control plane.' },
  hupo_process_start_time_seconds: { type: 'gauge', help: 'When the control plane started.' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

export interface Sample {
  name: MetricName;
  /** Of a histogram. */
  suffix?: '_bucket' | '_sum' | '_count';
  labels?: Readonly<Record<string, string>>;
  value: number;
}

export function formatMetrics(samples: readonly Sample[]): string {
  const lines: string[] = [];
  for (const [name, { type, help }] of Object.entries(metrics)) {
    const own = samples.filter((sample) => sample.name === name);
    if (own.length === 0) continue;
    lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`);
    for (const { suffix = '', labels = {}, value } of own) {
      lines.push(`${name}${suffix}${formatLabels(labels)} ${formatValue(value)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

function formatLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function formatValue(value: number): string {
  return value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
}
