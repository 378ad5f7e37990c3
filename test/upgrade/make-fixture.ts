import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { psql, repository, startTestPlatform } from '../platform.ts'
import { facts, type Fixture, fixtureFile, fixtures, packFixture } from './fixture.ts'

/**
 * Keeps the state of this release for the tests of later ones: `npm run make:fixture`, once for each
 * release. As root it works as another user, for a pool of full copies.
 */
const user = process.getuid?.() === 0 ? { user: { uid: 65_534, gid: 65_534 } } : {}
const { version: release } = JSON.parse(
  await readFile(join(repository, 'package.json'), 'utf8'),
) as { version: string }

const platform = await startTestPlatform(user)
try {
  const { home, client, projectId } = platform
  await psql(
    platform.connectionUri,
    'CREATE TABLE facts AS SELECT n, md5(n::text) AS m FROM generate_series(1, 500) n',
  )
  await platform.neon('branches', 'create', '--name', 'dev')
  const uris: Record<string, string> = {
    main: platform.connectionUri,
    dev: (await platform.neon('connection-string', 'dev')).trim(),
  }
  await psql(uris['dev'] ?? '', 'DELETE FROM facts WHERE n > 100; VACUUM FULL facts')
  const { key } = await client.createApiKey({ body: { key_name: 'ci' } })
  const answers: Fixture['facts'] = {}
  for (const [name, uri] of Object.entries(uris)) answers[name] = await psql(uri, facts)
  await platform.down()

  const config = JSON.parse(await readFile(join(home, 'config.json'), 'utf8')) as {
    state_version: number
  }
  const fixture: Fixture = {
    release,
    pg_version: Number(await readFile(join(home, 'store', 'pgdata', 'PG_VERSION'), 'utf8')),
    state_version: config.state_version,
    project_id: projectId,
    api_key: key,
    connection_uris: uris,
    facts: answers,
  }
  await removeSpare(home)
  await packFixture(
    home,
    ['config.json', 'secret.key', 'tls', 'computes', 'store', 'pool'],
    release,
  )
  await writeFile(join(fixtures, `${release}.json`), `${JSON.stringify(fixture, null, 2)}\n`)
  const { size } = await stat(fixtureFile(release))
  process.stdout.write(`${fixtureFile(release)}: ${(size / 1024 ** 2).toFixed(1)} MB\n`)
} finally {
  await platform.remove()
}

/** What the next start makes anew. */
async function removeSpare(home: string): Promise<void> {
  const volumes = join(home, 'pool', 'volumes')
  for (const name of await readdir(volumes)) {
    if (name.startsWith('template-')) await rm(join(volumes, name), { recursive: true })
  }
  for (const name of await readdir(join(home, 'computes'))) {
    for (const file of await readdir(join(home, 'computes', name))) {
      if (!file.endsWith('.json')) await rm(join(home, 'computes', name, file), { recursive: true })
    }
  }
}
