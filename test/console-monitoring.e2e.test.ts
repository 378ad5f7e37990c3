import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

import type { Endpoint } from '@coppice/api'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { must } from '../packages/server/src/lib/assert.ts'
import { until } from '../packages/server/src/testing/until.ts'
import {
  chromiumPath,
  type ConsolePage,
  desktop,
  launchBrowser,
  openConsole,
  phone,
} from './browser.ts'
import { inspect, query } from './console-actions.ts'
import { startTestPlatform, type TestPlatform } from './platform.ts'

/** The pages of monitoring and of queries, in a real browser against a real platform. */
describe.skipIf(chromiumPath === undefined)(
  'console, monitoring and queries (needs Chromium: apt install chromium)',
  () => {
    let platform: TestPlatform
    let browser: Browser
    let page: ConsolePage
    /** The address of the project's pages. */
    let base: string
    const sessions: ChildProcessWithoutNullStreams[] = []

    beforeAll(async () => {
      platform = await startTestPlatform()
      browser = await launchBrowser()
      page = await openConsole(browser, platform)
      base = `/projects/${platform.projectId}`
      await query(
        platform.connectionUri,
        'create table orders as select i as id, i % 7 as state from generate_series(1, 20000) i',
      )
      await query(
        platform.connectionUri,
        `select count(*), pg_sleep(0.4) from orders where id > 10`,
      )
      // Else it would soon be frozen: these pages keep nothing awake.
      openPsql('keeper', 'select pg_sleep(1200);')
    })
    afterAll(async () => {
      for (const session of sessions) session.kill()
      await browser?.close()
      await platform?.remove()
    })

    const endpoint = async (): Promise<Endpoint> => {
      const path = { project_id: platform.projectId }
      const { endpoints } = await platform.client.listProjectEndpoints({ path })
      return must(endpoints[0], 'a project has a compute')
    }
    const suspend = async (): Promise<void> => {
      const path = { project_id: platform.projectId, endpoint_id: (await endpoint()).id }
      await platform.client.suspendProjectEndpoint({ path })
    }
    /** A session of psql that stays open, and what it has said. */
    const openPsql = (name: string, sql: string): { said: () => string } => {
      const session = spawn('psql', [platform.connectionUri, '-X'], {
        env: { ...platform.env, PGAPPNAME: name },
      })
      let said = ''
      const hear = (chunk: Buffer): void => void (said += String(chunk))
      session.stdout.on('data', hear)
      session.stderr.on('data', hear)
      session.stdin.write(`${sql}\n`)
      sessions.push(session)
      return { said: () => said }
    }
    const openTab = async (name: string): Promise<void> =>
      page.getByRole('tab', { name, exact: true }).click()
    const confirm = async (name: string): Promise<void> => {
      const dialog = page.getByRole('dialog')
      await dialog.getByRole('button', { name, exact: true }).click()
      await dialog.waitFor({ state: 'hidden' })
    }

    test('statements: a slow one stands at the top, with all that is counted of it', async () => {
      await page.goto(base)
      await page.getByRole('link', { name: 'Queries', exact: true }).click()
      const table = page.getByRole('table', { name: 'Statements' })
      await table.getByRole('button', { name: /pg_sleep/ }).waitFor()
      await page.getByLabel('Order by').selectOption('mean')
      await until(async () => /pg_sleep/.test(await table.getByRole('row').nth(1).innerText()))
      await inspect(page, 'queries-statements')
      await table.getByRole('button', { name: /pg_sleep/ }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('% of all').waitFor()
      const explain = dialog.getByRole('link', { name: 'Explain in SQL editor' })
      const address = new URL((await explain.getAttribute('href')) ?? '', 'http://console')
      expect(address.pathname).toBe(`${base}/sql`)
      expect(address.searchParams.get('sql')).toMatch(/^explain \(generic_plan\)\nselect count/)
      await inspect(page, 'queries-statement')
      await page.keyboard.press('Escape')
      await page.getByLabel('Filter statements').fill('no such text')
      await page.getByText('No such statement').waitFor()
    })

    test('statements: counting begins anew, and the extension is enabled where it is missing', async () => {
      await page.getByRole('button', { name: 'Reset' }).click()
      await confirm('Reset')
      await page.getByText('Nothing has been counted yet').waitFor()
      await query(platform.connectionUri, 'drop extension pg_stat_statements')
      await page.reload()
      await page.getByRole('button', { name: 'Enable pg_stat_statements' }).click()
      await page.getByText('neondb has pg_stat_statements now').waitFor()
      expect(await query(platform.connectionUri, 'select max(id) from orders')).toBe('20000')
      await page.reload()
      await page.getByRole('table', { name: 'Statements' }).getByText('orders').waitFor()
    })

    test('locks: who holds up whom is drawn, and the blocker is cancelled from there', async () => {
      const blocker = openPsql('billing', 'begin; lock table orders; select pg_sleep(600);')
      await until(() => blocker.said().includes('LOCK TABLE'))
      const waiter = openPsql('web', 'update orders set state = 1 where id = 5;')
      openPsql('reports', 'select count(*) from orders;')
      await openTab('Locks')
      const tree = page.getByRole('list', { name: 'Lock waits' })
      await tree.getByText('holds up 2 sessions').waitFor()
      await tree.getByText('wants RowExclusiveLock on orders').waitFor()
      await inspect(page, 'queries-locks')
      await tree
        .getByRole('button', { name: /^Cancel query of process/ })
        .first()
        .click()
      await confirm('Cancel query')
      await page.getByText('Nobody waits for a lock').waitFor()
      await until(() => blocker.said().includes('canceling statement due to user request'))
      await until(() => waiter.said().includes('UPDATE 1'))
    })

    test('activity: sessions are live, one that idles in a transaction stands out and is ended', async () => {
      const holder = openPsql('forgotten', 'begin; update orders set state = 2 where id = 6;')
      await until(() => holder.said().includes('UPDATE 1'))
      openPsql('nightly', 'select count(*), pg_sleep(600) from orders;')
      await openTab('Activity')
      const table = page.getByRole('table', { name: 'Sessions' })
      const row = (name: string) => table.getByRole('row').filter({ hasText: name })
      await row('nightly').getByText('Timeout: PgSleep').waitFor()
      await row('forgotten').getByText('Idle in transaction').waitFor()
      await inspect(page, 'queries-activity')
      await page.setViewportSize(phone)
      await inspect(page, 'queries-activity-phone')
      await page.setViewportSize(desktop)
      await row('forgotten')
        .getByRole('button', { name: /^Actions for process/ })
        .click()
      await page.getByRole('menuitem', { name: 'End session' }).click()
      await confirm('End session')
      await row('forgotten').waitFor({ state: 'hidden' })
      expect(await query(platform.connectionUri, 'select state from orders where id = 6')).toBe('6')
      await row('nightly')
        .getByRole('button', { name: /^Actions for process/ })
        .click()
      await page.getByRole('menuitem', { name: 'Cancel query' }).click()
      await confirm('Cancel query')
      await row('nightly').getByText('Idle', { exact: true }).waitFor()
    })

    test('reports: what `coppice inspect` tells', async () => {
      await openTab('Reports')
      await page.getByRole('button', { name: 'Table sizes' }).click()
      const row = page.getByRole('table', { name: 'Table sizes' }).getByRole('row').nth(1)
      await row.waitFor()
      expect(await row.innerText()).toMatch(/public\s+orders\s+\d+ kB/)
      await inspect(page, 'queries-reports')
    })

    test('monitoring: charts of what was sampled, pointed at by keys, and as tables', async () => {
      await page.goto(`${base}/monitoring?period=15m`)
      const chart = page.getByRole('region', { name: 'Connections', exact: true })
      await until(async () => {
        const path = { project_id: platform.projectId, branch_id: 'main' }
        const answer = await platform.client.getProjectBranchMetrics({ path, query: { step: 15 } })
        return answer.endpoints.some(({ samples }) => samples.length >= 2)
      }, 45_000)
      await page.reload()
      const moment = chart.getByRole('slider')
      await moment.focus()
      await page.keyboard.press('End')
      expect(await moment.getAttribute('aria-valuetext')).toMatch(/Active \d/)
      await page
        .getByRole('region', { name: 'Wakes' })
        .getByText(/^\d+ wakes?/)
        .waitFor()
      await inspect(page, 'monitoring')
      await page.keyboard.press('Shift+ArrowLeft')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Zoom out' }).click()
      await chart.getByRole('button', { name: 'Connections as a table' }).click()
      await chart.getByRole('table').getByRole('row').nth(1).waitFor()
    })

    test('logs: found by text and severity, and what comes shows by itself', async () => {
      await openTab('Logs')
      await page.getByLabel('Severity').selectOption('error')
      const log = page.getByRole('log')
      await log.getByText('canceling statement due to user request').first().waitFor()
      await page.getByLabel('Text to search for').fill('no_such_table')
      await page.getByText('No such lines').waitFor()
      expect(await log.count()).toBe(0)
      await query(platform.connectionUri, 'select from no_such_table').catch(() => undefined)
      await log.getByText('no_such_table').first().waitFor()
      await page.getByLabel('Text to search for').fill('')
      await log.getByText('canceling statement due to user request').first().waitFor()
      await inspect(page, 'monitoring-logs')
    })

    test('in the dark, on a phone, and of a compute that sleeps, which they do not wake', async () => {
      const dark = await openConsole(browser, platform, { scheme: 'dark' })
      await dark.goto(`${base}/monitoring?period=15m`)
      await dark.getByRole('region', { name: 'Compute size' }).waitFor()
      await inspect(dark, 'monitoring-dark')
      await dark.goto(`${base}/queries`)
      await dark.getByRole('table', { name: 'Statements' }).waitFor()
      await inspect(dark, 'queries-dark')
      await suspend()
      await dark.getByText('It sleeps. This is what was last seen.').waitFor()
      await dark.context().close()

      const small = await openConsole(browser, platform, { viewport: phone })
      await small.goto(`${base}/monitoring?period=15m`)
      await small.getByRole('region', { name: 'Compute size' }).waitFor()
      await inspect(small, 'monitoring-phone')
      await small.goto(`${base}/queries?tab=activity`)
      await small.getByText('Asleep', { exact: true }).waitFor()
      await inspect(small, 'queries-phone')
      expect((await endpoint()).current_state).toBe('idle')
      await small.getByRole('button', { name: 'Wake it' }).click()
      await small.getByText('Nobody is connected. Sessions show here').waitFor()
      await small.context().close()
      // A compute that was frozen has said so, and was left alone.
      expect(page.complaints.filter((text) => !text.includes('status of 503'))).toEqual([])
    })
  },
)
