import type { Branch } from '@coppice/api'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { until } from '../packages/server/src/testing/until.ts'
import { chromiumPath, type ConsolePage, launchBrowser, openConsole, phone } from './browser.ts'
import { confirmByName, inspect } from './console-actions.ts'
import { psql, startTestPlatform, type TestPlatform } from './platform.ts'

/** The console's time machine and its ledger of wakes, in a real browser against a real platform. */
describe.skipIf(chromiumPath === undefined)(
  'console: time (needs Chromium: apt install chromium)',
  () => {
    let platform: TestPlatform
    let browser: Browser
    let page: ConsolePage
    let base: string
    /** Between the first rows and what became of them, as PostgreSQL tells it. */
    let moment: string
    let lsn: string

    beforeAll(async () => {
      platform = await startTestPlatform()
      browser = await launchBrowser()
      base = `/projects/${platform.projectId}`
      const answer = await psql(
        platform.connectionUri,
        `create table orders (id int primary key, item text, total numeric);
         create table customers (id int primary key, name text);
         create table "log" (at timestamptz, line text);
         insert into customers values (1, 'Ada'), (2, 'Grace');
         insert into orders select n, 'item ' || n, n * 10 from generate_series(1, 6) n;
         select to_char(clock_timestamp() at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           pg_current_wal_insert_lsn()`,
      )
      ;[moment = '', lsn = ''] = answer.split('|')
      await platform.client.createSnapshot({
        path: await branchPath('main'),
        query: { name: 'before the accident' },
      })
      await psql(
        platform.connectionUri,
        `update orders set total = 0 where id = 2; delete from orders where id > 4;
         insert into orders values (7, 'late', 70); create table made_later (id int primary key)`,
      )
      await platform.neon('branches', 'create', '--name', 'dev', '--project-id', platform.projectId)
      page = await openConsole(browser, platform)
    })
    afterAll(async () => {
      await browser?.close()
      await platform?.remove()
    })

    const branchPath = async (name: string) => {
      const { id: branch_id, project_id } = await branchOf(name)
      return { project_id, branch_id }
    }
    const branchOf = async (branch_id: string): Promise<Branch> =>
      (
        await platform.client.getProjectBranch({
          path: { project_id: platform.projectId, branch_id },
        })
      ).branch
    const countIn = async (branch: string): Promise<string> => {
      const uri = await platform.neon(
        'connection-string',
        branch,
        '--project-id',
        platform.projectId,
      )
      return psql(uri.trim(), 'select count(*) || $$ of $$ || sum(total) from orders')
    }
    const slider = (of: Page) => of.getByRole('slider', { name: 'Moment' })
    const field = (of: Page) => of.getByRole('textbox', { name: 'Time or LSN' })
    const at = () => new URL(page.url()).searchParams.get('at') ?? ''
    /** One that is drawn along chooses, two that part look closer. */
    const useFingers = async (of: Page): Promise<void> => {
      const cdp = await of.context().newCDPSession(of)
      await cdp.send('Emulation.setTouchEmulationEnabled', { enabled: true })
      await slider(of).scrollIntoViewIfNeeded()
      const box = await slider(of).boundingBox()
      if (box === null) throw new Error('the slider is not drawn')
      const touch = async (type: 'touchStart' | 'touchMove' | 'touchEnd', ...shares: number[]) =>
        cdp.send('Input.dispatchTouchEvent', {
          type,
          touchPoints: shares.map((share, id) => ({
            id,
            x: box.x + box.width * share,
            y: box.y + box.height / 2,
          })),
        })
      const told = async () => slider(of).getAttribute('aria-valuenow')
      const before = Number(await told())
      await touch('touchStart', 0.5)
      await touch('touchMove', 0.8)
      await touch('touchEnd')
      await until(async () => Number(await told()) > before)
      const shown = of.getByText(/shown$/)
      const whole = await shown.textContent()
      await touch('touchStart', 0.4)
      await touch('touchStart', 0.4, 0.5)
      await touch('touchMove', 0.4, 0.95)
      await touch('touchEnd')
      await until(async () => (await shown.textContent()) !== whole)
    }
    const settle = async (act: () => Promise<void>): Promise<number> => {
      const before = at()
      await act()
      await until(() => at() !== before)
      return Date.parse(at())
    }

    test('a moment is chosen by keys, by the pointer, by its name and by what happened near it', async () => {
      // A window of a few seconds cannot be looked at more closely.
      await until(() => Date.now() - Date.parse(moment) > 15_000, 20_000)
      await page.goto(`${base}/time-machine`)
      await slider(page).focus()
      const begin = await settle(async () => page.keyboard.press('Home'))
      expect(await settle(async () => page.keyboard.press('ArrowRight'))).toBeGreaterThan(begin)
      const one = Date.parse(at())
      expect(await settle(async () => page.keyboard.press('PageUp'))).toBeGreaterThan(one)
      expect(await settle(async () => page.keyboard.press('Home'))).toBe(begin)
      const snapshot = await settle(async () => page.keyboard.press('Shift+ArrowRight'))
      await page.getByText('dev branched off').waitFor()
      expect(Math.abs(snapshot - Date.parse(moment))).toBeLessThan(30_000)

      const box = await slider(page).boundingBox()
      if (box === null) throw new Error('the slider is not drawn')
      const middle = box.y + box.height / 2
      const left = await settle(async () => page.mouse.click(box.x + box.width * 0.3, middle))
      const right = await settle(async () => {
        await page.mouse.move(box.x + box.width * 0.3, middle)
        await page.mouse.down()
        await page.mouse.move(box.x + box.width * 0.7, middle, { steps: 4 })
        await page.mouse.up()
      })
      expect(right).toBeGreaterThan(left)
      const shown = page.getByText(/shown$/)
      const whole = await shown.textContent()
      await page.mouse.wheel(0, -400)
      await until(async () => (await shown.textContent()) !== whole)
      // What is closer is finer.
      const closer = await settle(async () => page.mouse.click(box.x + box.width * 0.3, middle))
      expect(right - closer).toBeLessThan(right - left)
      await page.getByRole('button', { name: 'The whole window' }).click()
      await until(async () => (await shown.textContent()) === whole)

      await field(page).fill('nonsense')
      await page.keyboard.press('Enter')
      await page.getByText('A time such as').waitFor()
      await field(page).fill('2020-01-01')
      await page.keyboard.press('Enter')
      await page.getByText('The history begins').waitFor()
      expect(await page.getByRole('button', { name: 'Branch from here' }).isDisabled()).toBe(true)
      await field(page).fill(lsn.toLowerCase())
      await page.keyboard.press('Enter')
      await until(() => at() === lsn)
      expect(await page.getByRole('button', { name: 'Branch from here' }).isEnabled()).toBe(true)
    })

    test('then and now: rows of every table, and of a query what has changed, is gone and is new', async () => {
      const { id } = await branchOf('main')
      await page.goto(`${base}/time-machine?branch=${id}&at=${encodeURIComponent(moment)}`)
      await page.getByRole('button', { name: 'Look at this moment' }).click()
      const tables = page.getByRole('list', { name: 'Tables' })
      const orders = tables.getByRole('button', { name: /^orders/ })
      await orders.getByText('6 → 5').waitFor()
      await tables.getByRole('button', { name: /^made_later not there/ }).waitFor()
      await page.getByText('1 changed, 2 only then, 1 only now').waitFor()
      await page.getByText('rows known by id').waitFor()
      const now = page.getByRole('region', { name: 'Now', exact: true })
      await now.locator('tr[data-mark=new]').getByText('late').waitFor()
      expect(await now.locator('td[data-changed]').allTextContents()).toEqual(['0'])
      await inspect(page, 'time-machine')
      await page.getByRole('switch', { name: 'Only what differs' }).click()
      expect(await now.locator('tbody tr').count()).toBe(2)
      await page.getByRole('switch', { name: 'Only what differs' }).click()
      await now.scrollIntoViewIfNeeded()
      await inspect(page, 'time-machine-rows')

      await page.getByLabel('Query').fill('select name from customers order by name')
      await page.keyboard.press('Control+Enter')
      await page.getByText('The same then and now').waitFor()
      await page.getByText('no key in common').waitFor()
      await page.getByLabel('Query').fill('delete from customers')
      await page.getByRole('button', { name: 'Run' }).click()
      await page.getByText('cannot execute DELETE in a read-only transaction').waitFor()
      const sql = page.getByRole('link', { name: 'Open in SQL editor' })
      const target = new URL((await sql.getAttribute('href')) ?? '', 'http://console')
      expect([target.pathname, target.searchParams.get('at')]).toEqual([`${base}/sql`, moment])
    })

    test('a moment is branched from, kept as a snapshot, and restored to by the branch’s name', async () => {
      const address = `${base}/time-machine?at=${encodeURIComponent(moment)}`
      await page.goto(address)
      await page.getByRole('button', { name: 'Branch from here' }).click()
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill('rescue')
      await page.getByRole('button', { name: 'Create branch' }).click()
      await page.getByRole('heading', { name: 'rescue', level: 1 }).waitFor()
      expect(await countIn('rescue')).toBe('6 of 210')

      await page.goto(address)
      await page.getByRole('button', { name: 'Keep as a snapshot' }).click()
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill('good orders')
      await page.getByRole('button', { name: 'Keep', exact: true }).click()
      await page.getByRole('button', { name: 'Actions for snapshot good orders' }).waitFor()

      await page.getByRole('button', { name: 'Restore main to here' }).click()
      await page.getByText('What can be brought back').waitFor()
      await page.getByLabel('Keep what it is now as').fill('main-broken')
      await inspect(page, 'time-machine-restore')
      await confirmByName(page, 'Restore', 'main')
      await page.getByText('what it had been until now is main-broken').waitFor()
      expect(await countIn('main')).toBe('6 of 210')
      expect((await branchOf('main-broken')).creation_source).toBeDefined()
    })

    test('snapshots are listed, made into branches and deleted, and made by a schedule', async () => {
      await page.goto(`${base}/time-machine?branch=main`)
      const actions = page.getByRole('button', { name: 'Actions for snapshot good orders' })
      await actions.click()
      await page.getByRole('menuitem', { name: 'Make a branch of it' }).click()
      await page.getByText('has the data of the snapshot').waitFor()
      await page.goto(`${base}/time-machine?branch=main`)
      await page.getByRole('button', { name: 'Edit schedule' }).click()
      await page.getByRole('button', { name: 'Another' }).click()
      await page.getByRole('combobox', { name: 'How often' }).last().click()
      await page.getByRole('option', { name: 'Every week' }).click()
      await page.getByRole('combobox', { name: 'Day' }).click()
      await page.getByRole('option', { name: 'Sunday' }).click()
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('A snapshot every Sunday at 03:00').waitFor()
      const schedule = await platform.client.getSnapshotSchedule({ path: await branchPath('main') })
      expect(schedule).toEqual({
        schedule: [
          { frequency: 'daily', hour: 3, retention_seconds: 604_800 },
          { frequency: 'weekly', hour: 3, day: 7, retention_seconds: 604_800 },
        ],
      })
      await inspect(page, 'time-machine-snapshots')
      await actions.click()
      await page.getByRole('menuitem', { name: 'Delete' }).click()
      await page.getByText('This is final').waitFor()
      await confirmByName(page, 'Delete', 'good orders')
      await actions.waitFor({ state: 'detached' })

      await page.getByRole('button', { name: 'Actions for snapshot before the accident' }).click()
      await page.getByRole('menuitem', { name: 'Restore main to it' }).click()
      await page.getByText('What can be brought back').waitFor()
      const { id } = await branchOf('main')
      await confirmByName(page, 'Restore', 'main')
      expect((await branchOf('main')).id).not.toBe(id)
      await page.getByText('No snapshots').waitFor()
    })

    test('awake: what woke a compute, what keeps it awake, and an application that is quiet', async () => {
      const uri = new URL(platform.connectionUri)
      uri.searchParams.set('application_name', 'pgwatch')
      const busy = psql(uri.toString(), 'select pg_sleep(600)').catch(() => undefined)
      await page.goto(`${base}/awake?span=hour`)
      const reason = page.getByRole('list', { name: 'What keeps main awake' })
      await until(async () => {
        if ((await reason.getByText('running a query').count()) > 0) return true
        await page.reload()
        await reason.waitFor()
        return false
      })
      const causes = page.getByRole('list', { name: 'Awake by cause' })
      await causes.getByRole('button').first().waitFor()
      await page.getByRole('table', { name: 'Ledger' }).getByText('Woke').first().waitFor()
      await page
        .getByRole('list', { name: 'When computes were awake' })
        .getByText('main', { exact: true })
        .waitFor()
      await inspect(page, 'awake')

      await reason
        .getByRole('listitem')
        .filter({ hasText: 'running a query' })
        .getByRole('button', { name: 'Quiet this application' })
        .click()
      await page.getByText('pgwatch: quiet on main').waitFor()
      const { endpoints } = await platform.client.listProjectBranchEndpoints({
        path: await branchPath('main'),
      })
      const endpoint_id = endpoints[0]?.id ?? ''
      const { awake } = await platform.client.getProjectEndpointAwake({
        path: { project_id: platform.projectId, endpoint_id },
        query: {},
      })
      expect(awake.quiet_applications).toEqual(['pgwatch'])

      const table = page.getByRole('table', { name: 'Ledger' })
      await table.scrollIntoViewIfNeeded()
      await inspect(page, 'awake-ledger')
      await causes.getByRole('button').first().click()
      await until(() => new URL(page.url()).searchParams.has('cause'))
      await page.getByRole('button', { name: /show all causes$/ }).click()
      await until(() => !new URL(page.url()).searchParams.has('cause'))
      await page.getByText('Stayed', { exact: true }).click()
      await page.getByText('Nothing of that has happened').waitFor()
      await psql(
        platform.connectionUri,
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgwatch'`,
      )
      await busy
      expect(page.complaints).toEqual([])
    })

    test('both can be used on a phone, in the dark', async () => {
      const visitor = await openConsole(browser, platform, { viewport: phone, scheme: 'dark' })
      for (const [name, address, heading] of [
        ['time-machine', `${base}/time-machine`, 'Time machine'],
        ['awake', `${base}/awake?span=hour`, 'Awake'],
      ] as const) {
        await visitor.goto(address)
        await visitor.getByRole('heading', { name: heading, level: 1 }).waitFor()
        await until(
          async () => (await visitor.getByLabel('Loading', { exact: true }).count()) === 0,
        )
        if (name === 'time-machine') await useFingers(visitor)
        await inspect(visitor, `phone-${name}`)
        const width = await visitor.evaluate('document.documentElement.scrollWidth')
        expect(width).toBeLessThanOrEqual(phone.width)
      }
      await visitor.context().close()
    })
  },
)
