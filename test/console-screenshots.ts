import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { chromiumPath, type ConsolePage, launchBrowser, openConsole } from './browser.ts'
import { psql, repository, startTestPlatform, type TestPlatform } from './platform.ts'

/** Makes the pictures of docs/console.md: a project as a team would have it, on a platform of its own. */
const images = join(repository, 'docs', 'images')
const hourMs = 3_600_000

const report = `select c.country, count(*), sum(o.total)
from orders o join customers c on c.id = o.customer_id
where o.placed_at > now() - interval '1 week'
group by c.country order by 3 desc`

async function fill(platform: TestPlatform): Promise<void> {
  const project_id = platform.projectId
  const make = async (name: string, parent_id?: string, expiresInHours?: number) => {
    const expires_at =
      expiresInHours && new Date(Date.now() + expiresInHours * hourMs).toISOString()
    const { branch } = await platform.client.createProjectBranch({
      path: { project_id },
      body: {
        branch: { name, ...(parent_id && { parent_id }), ...(expires_at && { expires_at }) },
        endpoints: [{ type: 'read_write' }],
      },
    })
    const uri = (await platform.neon('connection-string', name)).trim()
    await psql(
      uri,
      `create table if not exists made (what text);
       insert into made select repeat('x', 500) from generate_series(1, 3000)`,
    )
    return branch
  }
  await psql(
    platform.connectionUri,
    `create table customers (id int primary key, name text not null, country text not null);
     insert into customers select n, 'Customer ' || n, (array['DE', 'FR', 'JP', 'US'])[1 + n % 4]
       from generate_series(1, 2000) n;
     create table orders (
       id int primary key, customer_id int not null references customers, total numeric not null,
       placed_at timestamptz not null);
     insert into orders select n, 1 + n % 2000, (n % 900) / 10.0, now() - n * interval '1 minute'
       from generate_series(1, 40000) n;
     analyze`,
  )
  const staging = await make('staging')
  const dev = await make('dev')
  await make('feature/checkout', dev.id, 72)
  await make('feature/user-roles', dev.id)
  const preview = await make('preview/pr-128', staging.id, 1)
  await make('preview/pr-131', staging.id, 24)
  await platform.client.resetProjectBranchToParent({ path: { project_id, branch_id: preview.id } })
  for (const name of ['feature/user-roles', 'staging']) {
    const { endpoints } = await platform.client.listProjectBranchEndpoints({
      path: { project_id, branch_id: name },
    })
    for (const { id } of endpoints) {
      await platform.client.suspendProjectEndpoint({ path: { project_id, endpoint_id: id } })
    }
  }
}

async function main(): Promise<void> {
  if (chromiumPath === undefined) throw new Error('there is no Chromium: apt install chromium')
  await mkdir(images, { recursive: true })
  const platform = await startTestPlatform()
  const browser = await launchBrowser()
  try {
    await fill(platform)
    const base = `/projects/${platform.projectId}`
    const viewport = { width: 1180, height: 720 }
    const open = async (address: string, scheme: 'light' | 'dark'): Promise<ConsolePage> => {
      const page = await openConsole(browser, platform, { viewport, scheme })
      await page.goto(address)
      return page
    }
    const keep = async (page: ConsolePage, name: string): Promise<void> => {
      await page.waitForLoadState('networkidle').catch(() => undefined)
      await page.screenshot({ path: join(images, `${name}.png`) })
    }
    const branches = await open(`${base}/branches`, 'light')
    await branches.getByRole('heading', { name: 'Branches', level: 1 }).waitFor()
    await keep(branches, 'console-branches')

    const dashboard = await open(base, 'dark')
    await dashboard.getByRole('heading', { name: 'main', level: 1 }).waitFor()
    await keep(dashboard, 'console-dashboard')

    const editor = await open(`${base}/sql?sql=${encodeURIComponent(report)}`, 'light')
    await editor.getByRole('button', { name: 'Explain', exact: true }).click()
    await editor.getByRole('menuitem', { name: /^Explain analyze/ }).click()
    await editor.getByText('to run').waitFor()
    await keep(editor, 'console-sql')

    const tables = await open(`${base}/tables?schema=public&table=orders`, 'light')
    await tables.getByRole('grid').waitFor()
    await keep(tables, 'console-tables')
  } finally {
    await browser.close()
    await platform.remove()
  }
}

await main()
