import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { committedDocument } from '../support/committed-document.js';
import { type ExampleService, startExampleService } from '../support/example-run.js';

const CHROMIUM = '/usr/bin/chromium';
const SCREENSHOT = '.ci/api-page.png';
const RECORD = '/api/inventory/stores/STORE001/inventory/SKU123';
const isInstalled = existsSync(CHROMIUM);

if (!isInstalled) {
  console.warn(`NOTICE: ${CHROMIUM} is not there, so nobody looks at /docs in this run.`);
}

describe.skipIf(!isInstalled)('/docs in a browser', () => {
  const profile = mkdtempSync(path.join(tmpdir(), 'inventory-browser-'));
  /** What the browser asked of anybody but the service, and what its console complained about. */
  const strangers: string[] = [];
  const complaints: string[] = [];
  let service: ExampleService;
  let browser: BrowserContext;
  let page: Page;

  beforeAll(async () => {
    service = await startExampleService('test');
    await service.send({
      name: 'stock',
      operation: 'countStock',
      summary: '',
      method: 'PUT',
      path: RECORD,
      headers: { 'If-None-Match': '*' },
      body: { onHand: 10 },
    });
    browser = await chromium.launchPersistentContext(profile, {
      executablePath: CHROMIUM,
      args: [
        ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
        ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      ],
      viewport: { width: 1280, height: 1600 },
    });
    await browser.route(
      (url) => !url.href.startsWith(`${service.url}/`),
      async (route) => {
        strangers.push(route.request().url());
        await route.abort();
      },
    );
    page = await browser.newPage();
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${service.url}/docs`);
  });
  afterAll(async () => {
    await browser.close();
    await service.stop();
    rmSync(profile, { recursive: true, force: true });
  });

  it('shows every operation', async () => {
    await page.locator('.opblock').first().waitFor();

    const { paths } = committedDocument() as { paths: Readonly<Record<string, object>> };
    const operations = Object.values(paths).flatMap((item) => Object.keys(item));
    expect(await page.locator('.opblock').count()).toBe(operations.length);
    expect(await page.locator('.info .title').innerText()).toContain(
      'Distributed Inventory System',
    );
    expect(await page.locator('.errors-wrapper').count()).toBe(0);
  });

  it('reserves a unit with "Try it out"', async () => {
    const operation = page.locator('#operations-Stock-reserveStock');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByRole('button', { name: 'Try it out' }).click();
    await operation.locator('[data-param-name="storeId"] input').fill('STORE001');
    await operation.locator('[data-param-name="sku"] input').fill('SKU123');
    await operation.locator('.body-param__text').fill('{ "qty": 1 }');

    await operation.getByRole('button', { name: 'Execute' }).click();

    const answer = operation.locator('.live-responses-table .response').first();
    expect(await answer.locator('.response-col_status').innerText()).toContain('201');
    expect(await answer.locator('.response-col_description').innerText()).toContain('"held": 1');
    const record = await (await fetch(service.url + RECORD)).json();
    expect(record).toMatchObject({ qty: 9, reserved: 1 });
    await operation.scrollIntoViewIfNeeded();
    // For whoever wants to see it; a page without its style or its text is a tenth of this.
    const picture = await page.screenshot({ path: SCREENSHOT });
    expect(picture.length).toBeGreaterThan(50_000);
  });

  it('asks nobody else for anything, and needs nothing that its policy forbids', () => {
    expect(strangers).toEqual([]);
    expect(complaints).toEqual([]);
  });
});
