import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { promtoolFaults, promtoolIsMissing } from '../support/promtool.js';
import { type Scrape, metricsTable, scrapeOfBusyServer } from '../support/scrape.js';
import { cleanUp } from '../support/spawned-server.js';

describe('what a real server shows to Prometheus', () => {
  let scrape: Scrape;
  let text = '';
  beforeAll(async () => {
    scrape = await scrapeOfBusyServer();
    ({ text } = scrape);
  });
  afterAll(cleanUp);

  it('has figures of requests, storage and process', () => {
    const route = '/api/inventory/stores/:storeId/inventory/:sku';
    expect(text).toContain(
      `inventory_http_requests_total{method="POST",route="${route}/reserve",status="422"} 1\n`,
    );
    expect(text).toContain('inventory_events_total{type="StockReserved"} 1\n');
    expect(text).toContain('inventory_idempotent_replays_total 1\n');
    expect(text).toContain('inventory_log_sequence 2\n');
    expect(text).toContain('inventory_records 1\n');
    expect(text).toContain('inventory_queue_events 0\n');
    expect(valueOf('inventory_group_commit_events_count')).toBe(2);
    expect(valueOf('inventory_fdatasync_duration_seconds_count')).toBeGreaterThanOrEqual(2);
    expect(valueOf('inventory_recovery_duration_seconds')).toBeGreaterThan(0);
    expect(valueOf('process_resident_memory_bytes{worker="1"}')).toBeGreaterThan(1e6);
    expect(valueOf('process_cpu_seconds_total{worker="primary"}')).toBeGreaterThan(0);
  });

  it('names no record, no key and no reference', () => {
    expect(text).not.toMatch(/STORE-X|SKU-X|key-x|reference-x/);
  });

  it.skipIf(promtoolIsMissing())('passes promtool check metrics', () => {
    expect(promtoolFaults(['check', 'metrics'], text)).toBe('');
  });

  it('is what docs/metrics.md says: else run this test with `-u`', async () => {
    await expect(metricsTable(scrape)).toMatchFileSnapshot('../../docs/metrics.md');
  });

  function valueOf(name: string): number {
    return Number(new RegExp(`^${name.replace('{', '\\{')} (.+)$`, 'm').exec(text)?.[1]);
  }
});
