import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Branch, createClient } from '@coppice/api'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { until } from '../packages/server/src/testing/until.ts'
import { chromiumPath, type ConsolePage, launchBrowser, openConsole, phone } from './browser.ts'
import { copied, inspect } from './console-actions.ts'
import { repository, run, startTestPlatform, type TestPlatform } from './platform.ts'

/** Cost, prices, quotas, the host and the snippets in a real browser, on a platform with a past. */
describe.skipIf(chromiumPath === undefined)(
  'console: cost and host (needs Chromium: apt install chromium)',
  () => {
    let platform: TestPlatform
    let browser: Browser
    let page: ConsolePage
    /** The address of the project's pages. */
    let base: string

    beforeAll(async () => {
      platform = await startTestPlatform()
      browser = await launchBrowser()
      page = await openConsole(browser, platform)
      base = `/projects/${platform.projectId}`
      await platform.neon('branches', 'create', '--name', 'staging')
      // Nobody has ever used it.
      await platform.neon('branches', 'create', '--name', 'feature/old-search', '--no-compute')
      await giveItAPast(platform)
    })
    afterAll(async () => {
      await browser?.close()
      await platform?.remove()
    })

    const path = () => ({ project_id: platform.projectId })
    const project = async () => (await platform.client.getProject({ path: path() })).project
    const cost = async (month?: string) =>
      (await platform.client.getProjectCost({ path: path(), query: month ? { month } : {} })).cost

    test('prices: another list is in force at once, one price can be changed, and the default is back', async () => {
      await page.goto(`${base}/settings?section=prices`)
      await page.getByRole('button', { name: 'Use Neon Launch’s' }).click()
      await page.getByText('Prices are now those of “Neon Launch”').waitFor()
      expect((await platform.client.getPrices({})).preset).toBe('neon')
      await inspect(page, 'settings-prices')
      await page.getByLabel('Egress, a GB').fill('0.05')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Prices are now those of “Your own list”').waitFor()
      expect(await platform.client.getPrices({})).toMatchObject({
        preset: 'custom',
        prices: { egress_gb: 0.05, compute_unit_hour: 0.106 },
      })
      await page.getByLabel('Currency').fill('E')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('alert').filter({ hasText: 'currency' }).waitFor()
      await page.getByRole('button', { name: 'Back to the default' }).click()
      await page.getByText('Prices are now those of “Coppice’s default”').waitFor()
      await page.getByRole('button', { name: 'Use Neon Launch’s' }).click()
      await until(async () => (await platform.client.getPrices({})).preset === 'neon')
    })

    test('cost: a tile of the dashboard leads to what it is for, by day and by branch, with advice', async () => {
      await page.goto(base)
      const tile = page.getByRole('link', { name: /Cost this month/ })
      await tile.getByText('expected').waitFor()
      await inspect(page, 'dashboard-cost')
      await tile.click()
      await page.getByRole('heading', { name: 'Usage and cost', level: 1 }).waitFor()
      const report = await cost()
      const items = page.getByRole('table', { name: 'What it is for' })
      await items.getByText('Compute').waitFor()
      await items
        .getByText(money(report.items[0]?.cost ?? 0))
        .first()
        .waitFor()
      const lists = page.getByRole('region', { name: 'By other lists' })
      await lists.getByText('in force').waitFor()
      await lists.getByText('Neon Scale').waitFor()
      const advice = page.getByRole('region', { name: 'What could cost less' })
      await advice.getByText('has not been used for').waitFor()
      const shares = page.getByRole('table', { name: 'By branch and compute' })
      await shares.getByRole('link', { name: 'staging' }).waitFor()
      await page.getByRole('img', { name: /^Cost in USD, daily/ }).waitFor()
      await inspect(page, 'cost')

      await page.getByText('Computes', { exact: true }).click()
      await shares.getByText(/^ep-/).first().waitFor()
      await page.getByRole('combobox', { name: 'Measure' }).click()
      await page.getByRole('option', { name: 'Storage' }).click()
      await page.getByText('Months', { exact: true }).click()
      const monthly = page.getByRole('img', { name: 'Storage in GB-months, monthly' })
      await monthly.waitFor()
      // A bar for each month that 63 days lie in.
      expect(await monthly.locator('rect[style]').count()).toBeGreaterThan(2)
    })

    test('cost: a month before, and the report as a table for a spreadsheet', async () => {
      await page.goto(`${base}/cost`)
      const months = page.getByRole('combobox', { name: 'Month' })
      await months.click()
      await page.getByRole('option').nth(1).click()
      await until(() => new URL(page.url()).searchParams.has('month'))
      const month = new URL(page.url()).searchParams.get('month') ?? ''
      const { total } = await cost(month)
      await page.getByText(`${money(total)} in all`).waitFor()
      await page.getByText('Advice is for the running month.').waitFor()
      await inspect(page, 'cost-month')
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'CSV' }).click(),
      ])
      expect(download.suggestedFilename()).toBe(`cost-${platform.projectId}-${month}.csv`)
      const rows = (await readFile(await download.path(), 'utf8')).split('\r\n')
      expect(rows[1]).toMatch(new RegExp(`^${month},compute,[0-9.]+,CU-hour,`))
      expect(rows.some((row) => row.startsWith(`${month},staging,br-`))).toBe(true)
    })

    test('quotas: what is saved is what the API has, with what is used of it', async () => {
      await page.goto(`${base}/settings?section=quotas`)
      await page.getByLabel('Compute (CU-hours)').fill('5000')
      await page.getByLabel('Transfer (GB)').fill('40')
      await page.getByRole('button', { name: 'Save' }).click()
      await until(async () => (await project()).settings.quota?.data_transfer_bytes === 40e9)
      expect((await project()).settings.quota?.compute_time_seconds).toBe(5000 * 3600)
      await page.getByRole('progressbar', { name: /^Compute/ }).waitFor()
      await inspect(page, 'settings-quotas')
      await page.getByLabel('Transfer (GB)').fill('')
      await page.getByRole('button', { name: 'Save' }).click()
      await until(async () => (await project()).settings.quota?.data_transfer_bytes === 0)
    })

    test('host: pool, computes, gateway, and what doctor finds', async () => {
      // A volume of nobody, as a lost store would leave it.
      await run('mkdir', ['-p', join(platform.home, 'pool', 'volumes', 'left-over', 'data')])
      await run('psql', [platform.connectionUri, '-XAtqc', 'select 1'])
      await page.goto('/projects')
      await page.getByRole('link', { name: 'Host' }).click()
      await page.getByRole('heading', { name: 'Host', level: 1 }).waitFor()
      const computes = page.getByRole('table', { name: 'Computes' })
      await computes
        .getByText(/Awake|Frozen/)
        .first()
        .waitFor()
      const { gateway, computes: known } = await platform.client.getPlatformStatus({})
      const processes = page.getByRole('table', { name: 'Gateway processes' })
      await processes.getByText(String(gateway[0]?.pid)).waitFor()
      await page.getByText('The pool holds a volume that nobody knows').waitFor()
      await page.locator('label').filter({ hasText: 'Branches' }).click()
      await page
        .getByRole('table', { name: 'Branches in the pool' })
        .getByRole('link', { name: 'staging' })
        .waitFor()
      await page.locator('label').filter({ hasText: 'All' }).click()
      await until(async () => (await computes.getByRole('row').count()) === known.length + 1)
      const doctor = page.getByRole('region', { name: 'Doctor' })
      await doctor.getByRole('button', { name: 'Run the checks' }).click()
      await doctor.getByText('CPU and memory limits').waitFor()
      await doctor.getByRole('button', { name: 'Run again' }).waitFor()
      await page.evaluate('window.scrollTo(0, 0)')
      await inspect(page, 'host')
      await doctor.scrollIntoViewIfNeeded()
      await inspect(page, 'host-doctor')
      await run('rm', ['-r', join(platform.home, 'pool', 'volumes', 'left-over')])
    })

    test('a key for one project is not shown the host or the prices', async () => {
      const { key: apiKey } = await platform.client.createOrgApiKey({
        path: { org_id: 'org-coppice' },
        body: { key_name: 'ci', project_id: platform.projectId },
      })
      const visitor = await openConsole(browser, platform, { signIn: false })
      await visitor.goto('/host')
      await visitor.getByText('API key', { exact: true }).first().click()
      await visitor.locator('input[name=secret]').fill(apiKey)
      await visitor.getByRole('button', { name: 'Sign in' }).click()
      await visitor.getByText('The host is the owner’s business').waitFor()
      await inspect(visitor, 'host-refused')
      await visitor.goto(`${base}/settings?section=prices`)
      await visitor.getByText('Prices are the owner’s business').waitFor()
      await visitor.goto(`${base}/cost`)
      await visitor.getByRole('table', { name: 'What it is for' }).waitFor()
      const asked = createClient({ baseUrl: platform.apiUrl, apiKey }).getPlatformChecks({})
      await expect(asked).rejects.toMatchObject({ code: 'outside_key_scope' })
      await visitor.context().close()
    })

    test('snippets run as they are copied', async () => {
      await page.goto(base)
      const answers: Record<string, string> = {}
      const directory = await mkdtemp(join(tmpdir(), 'snippets-'))
      await symlink(join(repository, 'node_modules'), join(directory, 'node_modules'))
      const take = async (label: string): Promise<string> => {
        await page.getByRole('tab', { name: label, exact: true }).click()
        await page.getByRole('button', { name: `Copy for ${label}` }).click()
        return copied(page)
      }
      await writeFile(join(directory, '.env'), await take('.env'))
      const inDirectory = async (script: string): Promise<string> =>
        platform.shell(`set -a; . ./.env; set +a; ${script}`, { cwd: directory })
      answers['psql'] = await inDirectory(`echo 'select version()' | ${await take('psql')} -XAtq`)
      answers['direct'] = await inDirectory('psql "$DIRECT_URL" -XAtqc "select version()"')
      for (const label of ['node-postgres', 'Serverless driver', 'Drizzle']) {
        const file = join(directory, `${label.replace(' ', '-')}.mjs`)
        await writeFile(file, await take(label))
        answers[label] = await inDirectory(`node '${file}'`)
      }
      const silent = Object.entries(answers).filter(([, answer]) => !answer.includes('PostgreSQL '))
      expect(silent).toEqual([])
      await page.getByRole('tab', { name: 'Prisma' }).click()
      await inspect(page, 'connect-prisma')
      await rm(directory, { recursive: true })
    })

    test('cost and host can be used on a phone, in the dark', async () => {
      const visitor = await openConsole(browser, platform, { viewport: phone, scheme: 'dark' })
      for (const [name, address, heading] of [
        ['cost', `${base}/cost`, 'Usage and cost'],
        ['host', '/host', 'Host'],
        ['prices', `${base}/settings?section=prices`, 'Settings'],
      ] as const) {
        await visitor.goto(address)
        await visitor.getByRole('heading', { name: heading, level: 1 }).waitFor()
        await isLoaded(visitor)
        await inspect(visitor, `phone-${name}`)
        // Nothing sticks out at the side.
        const width = await visitor.evaluate('document.documentElement.scrollWidth')
        expect(width).toBeLessThanOrEqual(phone.width)
      }
      await visitor.setViewportSize({ width: 1280, height: 1700 })
      for (const [name, address, table] of [
        ['cost', `${base}/cost`, 'By branch and compute'],
        ['host', '/host', 'Gateway processes'],
      ] as const) {
        await visitor.goto(address)
        await visitor.getByRole('table', { name: table }).waitFor()
        await isLoaded(visitor)
        await inspect(visitor, `dark-${name}`)
      }
      expect(page.complaints.filter((text) => !/Failed to load resource/.test(text))).toEqual([])
      expect(visitor.complaints).toEqual([])
      await visitor.context().close()
    })
  },
)

const money = (amount: number): string => `$${amount.toFixed(2)}`

async function isLoaded(page: Page): Promise<void> {
  await until(async () => (await page.getByLabel('Loading', { exact: true }).count()) === 0)
}

/** Two months of usage, as the platform would have recorded them, and a branch that nobody uses. */
async function giveItAPast(platform: TestPlatform): Promise<void> {
  const { branches } = await platform.client.listProjectBranches({
    path: { project_id: platform.projectId },
    query: {},
  })
  const idOf = (name: string): string =>
    branches.find((branch: Branch) => branch.name === name)?.id ?? ''
  const script = `
    update projects set created_at = now() - interval '63 days';
    update branches set created_at = now() - interval '63 days';
    update endpoints set created_at = now() - interval '63 days';
    insert into usage_hours
    select e.id, hour, gen_random_uuid(), e.project_id, e.branch_id,
      3600000 * share, 3600000 * share, 900000 * share, 4e7 * share, 9e7 * share
    from endpoints e, generate_series(date_trunc('hour', now()) - interval '63 days',
        now() - interval '1 hour', interval '1 hour') hour,
      lateral (select case e.branch_id when '${idOf('main')}' then 0.55 when '${idOf('staging')}' then 0.2
        else 0 end * (1 + 0.6 * sin(extract(epoch from hour) / 400000)) * (extract(isodow from hour) < 6)::int
        as share) used
    where share > 0;
    insert into storage_hours (branch_id, hour, project_id, is_root, logical_size_bytes, data_bytes,
      history_bytes, snapshot_bytes)
    select b.id, hour, b.project_id, b.parent_id is null, 24e9,
      case when b.parent_id is null then 24e9 + 2e8 * at else 3e9 end,
      case when b.parent_id is null then 9e9 else 0 end, 0
    from branches b, generate_series(date_trunc('hour', now()) - interval '63 days',
      now() - interval '1 hour', interval '1 hour') with ordinality as hours (hour, nth),
      lateral (select nth / 24.0 as at) days;
    insert into platform_samples
    select (jsonb_populate_record(null::platform_samples, to_jsonb(last) || jsonb_build_object(
      'at', sampled, 'tier', 2, 'pool_used_bytes', last.pool_used_bytes * (0.4 + 0.6 * nth / 336)))).*
    from (select * from platform_samples order by at desc limit 1) last,
      generate_series(now() - interval '14 days', now() - interval '1 hour', interval '1 hour')
        with ordinality as times (sampled, nth);`
  const socket = join(platform.home, 'run', 'store')
  await until(async () => {
    const args = ['-XAtq', '-h', socket, '-U', 'coppice', '-d', 'postgres', '-c']
    return (await run('psql', [...args, 'select count(*) from platform_samples'])).trim() !== '0'
  })
  const file = join(platform.home, 'past.sql')
  await writeFile(file, script)
  const args = ['-Xq', '-v', 'ON_ERROR_STOP=1', '-h', socket, '-U', 'coppice', '-d', 'postgres']
  await run('psql', [...args, '-f', file])
}
