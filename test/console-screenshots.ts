import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import { chromiumPath, launchBrowser, openConsole } from './browser.ts'
import { psql, repository, startTestPlatform, type TestPlatform } from './platform.ts'

/** Makes the pictures of docs/console.md: a project as a team would have it, on a platform of its own. */
const images = join(repository, 'docs', 'images')
const hourMs = 3_600_000

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
  await psql(platform.connectionUri, 'create table orders as select generate_series(1, 10000) id')
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
    for (const [name, address, heading, scheme] of [
      ['console-branches', `${base}/branches`, 'Branches', 'light'],
      ['console-dashboard', base, 'main', 'dark'],
    ] as const) {
      const viewport = { width: 1180, height: 720 }
      const page = await openConsole(browser, platform, { viewport, scheme })
      await page.goto(address)
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
      await page.waitForLoadState('networkidle').catch(() => undefined)
      await page.screenshot({ path: join(images, `${name}.png`) })
    }
  } finally {
    await browser.close()
    await platform.remove()
  }
}

await main()
