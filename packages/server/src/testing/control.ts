import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type Client, createClient } from '@coppice/api'
import type { FastifyInstance } from 'fastify'

import { ComputeHost, type ComputeHostOptions } from '../compute/host.ts'
import { createApiKey } from '../control/api-keys.ts'
import { ConsoleAccess } from '../control/console/access.ts'
import { ChangeFeed } from '../control/console/changes.ts'
import type { Context } from '../control/context.ts'
import { createHistory } from '../control/history/create-history.ts'
import { createHandlers, type ProgramHandlers } from '../control/http/handlers.ts'
import { type ConsoleParts, createHttpServer } from '../control/http/server.ts'
import { prepareStart } from '../control/prepare-start.ts'
import { migrateStore, openStore, platformId } from '../control/store/store.ts'
import { TimeTravel } from '../control/time-travel.ts'
import { readEnvironment } from '../lib/config.ts'
import type { OsUser } from '../lib/exec.ts'
import { createHome, homePaths } from '../lib/home.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import { createLog } from '../lib/log.ts'
import { loadSecretBox } from '../lib/secret-box.ts'
import { createDoctor } from '../program/doctor.ts'
import { findPostgres } from '../program/postgres.ts'
import { createPlatformStatus } from '../program/status.ts'
import { startStoreCluster } from '../program/store-cluster.ts'
import { createCopyDriver } from '../volume/copy.ts'
import type { VolumeDriver } from '../volume/volume.ts'
import { checkAnswers } from './answer-checks.ts'

/** A control plane of a test's own: real store, real computes, volumes by plain copy, no gateway. */
export interface TestControl {
  context: Context
  consoleParts: ConsoleParts
  app: FastifyInstance
  client: Client
  apiUrl: string
  apiKey: string
  /** Rejects where an answer of the API was not as Neon documents it. */
  close(): Promise<void>
}

export interface TestControlOptions {
  /** Makes the pool's driver; plain copies unless given. */
  createVolumes?: (pool: string, user: OsUser | undefined) => Promise<VolumeDriver>
  /** Without, computes are neither limited nor frozen. */
  computes?: Pick<ComputeHostOptions, 'groups' | 'freezeAfterMs'>
}

/** Of servers that are not asked for what only the program knows. */
export const notAsked: ProgramHandlers = {
  getPlatformStatus: async () => Promise.reject(new Error('not asked')),
  getPlatformChecks: async () => Promise.reject(new Error('not asked')),
}

export async function startTestControl(options: TestControlOptions = {}): Promise<TestControl> {
  const root = await mkdtemp(join(tmpdir(), 'coppice-control-'))
  await chmod(root, 0o711)
  const home = homePaths(root)
  await createHome(home)
  const log = createLog({ level: 'error', toStderr: true })
  const environment = readEnvironment()
  const postgres = await findPostgres(home, environment)
  const { databaseUser, installations, newest } = postgres
  const cluster = await startStoreCluster({
    home,
    installation: newest,
    user: databaseUser,
    log,
  })
  const store = openStore(cluster.address)
  await migrateStore(store)
  await platformId(store, 'test')
  const host = new ComputeHost({
    directory: home.computes,
    runDirectory: home.sockets,
    installations,
    user: databaseUser,
    log,
    ...options.computes,
  })
  await host.start()
  const volumes = await (options.createVolumes?.(home.pool, databaseUser) ??
    createCopyDriver(home.pool, databaseUser))
  const context: Context = {
    store,
    volumes,
    host,
    installations,
    databaseUser,
    secrets: await loadSecretBox(home.secretKey),
    history: createHistory({
      poolDirectory: volumes.root,
      replayDirectory: home.replays,
      socketDirectory: home.sockets,
      host,
      log,
    }),
    settings: {
      platformId: 'test',
      region: 'local',
      domain: 'coppice.localhost',
      namesResolve: false,
      directPort: 5432,
      pooledPort: 6432,
      publicPorts: { direct: 5432, pooled: 6432 },
      hostHasPort: true,
      sqlPort: 8443,
      defaultSuspendTimeoutSeconds: 300,
      recoveryWindowSeconds: 3600,
      defaultPgVersion: newest.majorVersion,
    },
    locks: new KeyedLock(),
    log,
  }
  host.beforeStart(async (spec) => prepareStart(context, spec))
  const status = createPlatformStatus({
    context,
    home,
    apiUrl: '',
    storeKind: 'own',
    startedAt: new Date(),
    certificate: () => ({
      kind: 'own',
      file: '',
      names: [],
      issuer: 'Coppice CA',
      expires_at: new Date().toISOString(),
      warnings: [],
    }),
    gateway: async () => [],
    poolImage: undefined,
  })
  const checks = createDoctor(home, environment)
  const changes = new ChangeFeed(cluster.address, log)
  await changes.start()
  const consoleParts: ConsoleParts = {
    access: new ConsoleAccess(store),
    changes,
    platformId: context.settings.platformId,
  }
  const app = await createHttpServer({
    store,
    handlers: createHandlers(context, new TimeTravel(context), {
      getPlatformStatus: status,
      getPlatformChecks: async () => ({ checks: await checks() }),
    }),
    log,
    version: 'test',
    console: consoleParts,
  })
  const answers = checkAnswers(app.server)
  const apiUrl = `${await app.listen({ host: '127.0.0.1', port: 0 })}/api/v2`
  const { key: apiKey } = await createApiKey(context, { kind: 'user', name: 'test' })
  return {
    context,
    consoleParts,
    app,
    client: createClient({ baseUrl: apiUrl, apiKey }),
    apiUrl,
    apiKey,
    close: async () => {
      await app.close()
      await changes.stop()
      await context.history.archiver.stop()
      await host.stop({ suspendComputes: true })
      await store.end()
      await cluster.stop()
      await rm(root, { recursive: true, force: true })
      answers.finish()
    },
  }
}
