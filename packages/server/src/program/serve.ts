import { join } from 'node:path'
import type { Duplex } from 'node:stream'

import { noControlGroups } from '../compute/control-groups.ts'
import { findControlGroups } from '../compute/find-control-groups.ts'
import { ComputeHost } from '../compute/host.ts'
import { AwakeLedger } from '../control/awake-ledger.ts'
import { sweepHeld } from '../control/backup/hold.ts'
import { ConsoleAccess } from '../control/console/access.ts'
import { ChangeFeed } from '../control/console/changes.ts'
import type { Context, Settings } from '../control/context.ts'
import { createHistory } from '../control/history/create-history.ts'
import { sweepHistory } from '../control/history/line-snapshots.ts'
import { createHandlers } from '../control/http/handlers.ts'
import { createHttpServer } from '../control/http/server.ts'
import { createExposition } from '../control/metrics/exposition.ts'
import { MetricsSampler } from '../control/metrics/sampler.ts'
import { recoverOperations } from '../control/operations/runner.ts'
import { sweepPacked } from '../control/packed-volume.ts'
import { prepareStart } from '../control/prepare-start.ts'
import { reconcileComputes } from '../control/reconcile-computes.ts'
import { createReconciler, reportUnknownVolumes } from '../control/reconcile.ts'
import { listVolumeIds } from '../control/store/branches.ts'
import { recordComputeState } from '../control/store/endpoints.ts'
import { newestMigration } from '../control/store/store.ts'
import { ensureTemplate } from '../control/templates.ts'
import { TimeTravel } from '../control/time-travel.ts'
import { describeError } from '../lib/errors.ts'
import { writeFileAtomically } from '../lib/files.ts'
import { createHome, type Home } from '../lib/home.ts'
import { KeyedLock } from '../lib/keyed-lock.ts'
import type { Logger } from '../lib/log.ts'
import { saveConfig } from '../lib/saved-config.ts'
import { loadSecretBox } from '../lib/secret-box.ts'
import { CertificateKeeper, readCertificate } from './certificate-keeper.ts'
import { createControlPlane } from './control-plane.ts'
import { createDoctor } from './doctor.ts'
import { ensureApiKey, ensureProject } from './first-start.ts'
import { createGatewayLook } from './gateway-look.ts'
import { choosePortsOnceFree } from './gateway-ports.ts'
import { createGatewayService, defaultWorkers, type GatewayService } from './gateway-service.ts'
import { createHolds } from './hold-calls.ts'
import { attendHold } from './hold-socket.ts'
import type { ConsoleOperations } from './local-socket.ts'
import { findHostNames, type HostNames } from './names-resolve.ts'
import { Parts } from './parts.ts'
import { openPlatformPool } from './platform-pool.ts'
import { openPlatformStore } from './platform-store.ts'
import { openPlatformWal } from './platform-wal.ts'
import { claimPool } from './pool-owner.ts'
import { createPoolReport } from './pool-report.ts'
import { findPostgres } from './postgres.ts'
import type { ServeOptions } from './serve-options.ts'
import { createPlatformStatus } from './status.ts'
import { version } from './version.ts'

/** What `up` tells the user when the platform is there. */
export interface ReadyEvent {
  event: 'ready'
  api_url: string
  api_key_file: string
  /** Of the web console. */
  console_url: string
  connection_uri: string | undefined
  project_id: string
  domain: string
  direct_port: number
  pooled_port: number
  sql_port: number
  /** Absent where the certificate is the operator's own. */
  ca_file?: string
  home: string
  pid: number
  postgres_version: string
  pool: { driver: string; path: string; warning?: string }
  notes: string[]
  already_running: boolean
}

export interface RunningPlatform {
  ready: ReadyEvent
  gateway: GatewayService
  console: ConsoleOperations
  /** Takes a conversation about what is to be held still. */
  attend: (connection: Duplex) => void
  /**
   * Stops what clients reach, then the rest in reverse; computes only unless they are kept. Answers whether
   * all has stopped. Never rejects.
   */
  stop(keepComputes: boolean): Promise<boolean>
}

/** Suspending hundreds of computes, each with its checkpoint, takes a while. */
const computesDeadlineMs = 420_000
/** Clients have ten seconds to end what they are at. */
const gatewayDeadlineMs = 30_000
/** A fast shutdown, then an immediate one, then SIGKILL. */
const storeDeadlineMs = 60_000

const region = 'local'
const defaultSuspendTimeoutSeconds = 300
const recoveryWindowSeconds = 7 * 86_400

/**
 * Starts the platform, from the bottom up: state directory, PostgreSQL, pool, store, computes that are
 * already running, what a crash left, gateway, API. When a later part fails, the earlier ones stop.
 */
export async function startPlatform(
  home: Home,
  options: ServeOptions,
  log: Logger,
  onStep: (message: string) => void,
): Promise<RunningPlatform> {
  const parts = new Parts(log)
  try {
    const running = await start(home, options, log, onStep, parts)
    return { ...running, stop: async (keepComputes) => parts.stop(keepComputes) }
  } catch (error) {
    await parts.stop(true)
    throw error
  }
}

async function start(
  home: Home,
  options: ServeOptions,
  log: Logger,
  onStep: (message: string) => void,
  parts: Parts,
): Promise<Omit<RunningPlatform, 'stop'>> {
  await createHome(home)
  const certificateSource = {
    directory: home.tls,
    domain: options.domain,
    files: options.certificateFiles,
  }
  const tls = await readCertificate(certificateSource, { mustBeValid: options.isCertificateNew })
  onStep('Looking for PostgreSQL')
  const postgres = await findPostgres(home, options.environment, options.trustedExtensions)

  onStep('Opening the storage pool')
  const pool = await openPlatformPool(home, options, postgres.databaseUser, onStep)

  onStep('Starting the metadata store')
  const store = await openPlatformStore(home, options, postgres, pool.volumes, log)
  parts.add('metadata store', async () => store.stop(), { deadlineMs: storeDeadlineMs })
  await claimPool(pool.volumes, store.platformId, await listVolumeIds(store.sql))
  const wal = await openPlatformWal({
    home,
    environment: options.environment,
    walStore: options.walStore,
    volumes: pool.volumes,
    platformId: store.platformId,
    onStep,
  })

  const ports = await choosePortsOnceFree(home, options)
  const { certificateFiles, domain, hostPort } = options
  const names = await findHostNames(domain)
  const settings: Settings = {
    platformId: store.platformId,
    region,
    domain,
    namesResolve: names.areUsed,
    directPort: ports.direct,
    pooledPort: ports.pooled,
    publicPorts: {
      direct: options.publicPort ?? ports.direct,
      pooled: options.publicPooledPort ?? ports.pooled,
    },
    hostHasPort: hostPort === 'auto',
    sqlPort: ports.sql,
    defaultSuspendTimeoutSeconds,
    recoveryWindowSeconds,
    defaultPgVersion: postgres.newest.majorVersion,
  }
  const host = new ComputeHost({
    directory: home.computes,
    runDirectory: home.sockets,
    installations: postgres.installations,
    user: postgres.databaseUser,
    groups: options.computes.areLimited
      ? await findControlGroups(home.computes)
      : noControlGroups('switched off (--limits)'),
    freezeAfterMs: options.computes.freezeAfterMs,
    capacity: options.computes.capacity,
    log,
  })
  const context: Context = {
    store: store.sql,
    volumes: pool.volumes,
    host,
    installations: postgres.installations,
    databaseUser: postgres.databaseUser,
    secrets: await loadSecretBox(home.secretKey),
    history: createHistory({
      poolDirectory: pool.volumes.root,
      remote: wal.remote,
      replayDirectory: home.replays,
      socketDirectory: home.sockets,
      host,
      log,
    }),
    settings,
    locks: new KeyedLock(),
    log,
  }
  host.beforeStart(async (spec) => prepareStart(context, spec))
  await host.start()
  const ledger = new AwakeLedger(context)
  // After the host, whose last words it writes down.
  parts.add('awake ledger', async () => ledger.stop())
  parts.add('computes', async (keep) => host.stop({ suspendComputes: !keep }), {
    deadlineMs: computesDeadlineMs,
  })
  await ledger.start()
  await sweepHeld(context, home.held)
  await recoverAfterCrash(context)
  followComputes(context)
  await context.history.spool?.start()
  parts.add('upload of WAL', async () => context.history.spool?.stop())
  await context.history.archiver.start()
  parts.add('WAL archiver', async () => context.history.archiver.stop())

  onStep(`Preparing PostgreSQL ${postgres.newest.version}`)
  await ensureTemplate(context, settings.defaultPgVersion)

  const sampler = new MetricsSampler(context)
  const timeTravel = new TimeTravel(context)
  const gateway = createGatewayService({
    home,
    controlPlane: createControlPlane({
      host,
      store: store.sql,
      timeTravel,
      secrets: context.secrets,
      onSent: (endpointId, bytes) => sampler.countSent(endpointId, bytes),
    }),
    tls,
    secret: context.secrets.derive('gateway'),
    domain,
    listen: options.listen,
    ports,
    workers: options.environment.gatewayWorkers ?? defaultWorkers(),
    logLevel: options.environment.logLevel,
    logsToStderr: !options.isDetached,
    log,
  })
  await gateway.start()
  context.poolReport = createPoolReport(gateway.poolAdmin)
  parts.add('gateway', async () => gateway.stop(), { deadlineMs: gatewayDeadlineMs })
  await sampler.start(createGatewayLook(gateway))
  parts.add('samples', async () => sampler.stop())
  const certificate = new CertificateKeeper(tls, {
    source: certificateSource,
    log,
    onChange: async (material) => gateway.reloadCertificates(material),
  })
  await certificate.start()
  parts.add('certificate', async () => certificate.stop())

  const consoleUrl = `http://${options.apiHost}:${ports.api}/`
  const apiUrl = `${consoleUrl}api/v2`
  const status = createPlatformStatus({
    context,
    home,
    apiUrl,
    storeKind: store.kind,
    startedAt: new Date(),
    certificate: () => certificate.status(),
    gateway: async () => gateway.workers(),
    poolImage: pool.saved.pool_image,
  })
  const checks = createDoctor(home, options.environment)
  const access = new ConsoleAccess(store.sql)
  const changes = new ChangeFeed(store.address, log)
  await changes.start()
  parts.add('feed of changes', async () => changes.stop())
  // Of somebody else's PostgreSQL nobody says that it was away, but who has to listen to it anew.
  if (store.kind === 'database_url') {
    changes.subscribe(({ type }) => {
      if (type === 'missed') store.onReturn()
    })
  }
  const api = await createHttpServer({
    store: store.sql,
    handlers: createHandlers(context, timeTravel, {
      getPlatformStatus: status,
      getPlatformChecks: async () => ({ checks: await checks() }),
    }),
    log,
    version,
    console: { access, changes, platformId: store.platformId },
    metrics: {
      exposition: createExposition(sampler, version),
      access: options.environment.metricsAccess,
    },
  })
  await api.listen({ host: options.apiHost, port: ports.api })
  parts.add('API', async () => api.close())

  const reconciler = createReconciler(context)
  await reconciler.start()
  parts.add('reconciler', async () => reconciler.stop())

  await ensureApiKey(context, home)
  const project = await ensureProject(context, onStep)
  await saveConfig(home.config, {
    ...options.saved,
    ...pool.saved,
    ...wal.saved,
    ...options.computes.saved,
    direct_port: ports.direct,
    pooled_port: ports.pooled,
    sql_port: ports.sql,
    api_port: ports.api,
    listen: options.listen.join(','),
    domain,
    public_port: options.publicPort,
    public_pooled_port: options.publicPooledPort,
    host_port: hostPort,
    tls_cert: certificateFiles?.certPath,
    tls_key: certificateFiles?.keyPath,
    trust_extensions: options.trustedExtensions,
    store: store.kind,
    state_version: await newestMigration(),
  })
  const ready: ReadyEvent = {
    event: 'ready',
    api_url: apiUrl,
    api_key_file: home.apiKey,
    console_url: consoleUrl,
    connection_uri: project.connectionUri,
    project_id: project.projectId,
    domain,
    direct_port: ports.direct,
    pooled_port: ports.pooled,
    sql_port: ports.sql,
    ...(certificateFiles === undefined && { ca_file: join(home.tls, 'ca.crt') }),
    home: home.root,
    pid: process.pid,
    postgres_version: postgres.newest.version,
    pool: {
      driver: pool.volumes.kind,
      path: pool.volumes.root,
      ...(pool.volumes.warning !== undefined && { warning: pool.volumes.warning }),
    },
    notes: [...notes(settings, options, names), ...certificate.status().warnings, ...wal.notes],
    already_running: false,
  }
  // The password stays out of the file: it is for finding the platform, not for entering it.
  const { connection_uri: _, ...place } = ready
  await writeFileAtomically(home.run, `${JSON.stringify(place, null, 2)}\n`, 0o644)
  const console: ConsoleOperations = {
    // What follows `#` stays in the browser: no log and no server on the way sees it.
    createLink: () => `${consoleUrl}sign-in#link=${access.createLink()}`,
    setPassword: async (password) => access.setPassword(password),
  }
  const newHold = createHolds(context, home)
  const attend = (connection: Duplex): void => {
    attendHold(connection, newHold()).catch((error: unknown) => {
      log.error({ error: describeError(error) }, 'what was held could not be let go of')
    })
  }
  return { ready, gateway, console, attend }
}

/** Order matters: half-made volumes go first, then the operations that made them, then computes. */
async function recoverAfterCrash(context: Context): Promise<void> {
  const swept = await context.volumes.sweep()
  await sweepPacked(context)
  const recovered = await recoverOperations(context)
  await sweepHistory(context)
  await reconcileComputes(context)
  const unknown = await reportUnknownVolumes(context)
  context.log.info({ swept, recovered, unknown: unknown.length }, 'recovered')
}

/** Copies each change of a compute's state into the store; a store that is down misses it until the next. */
function followComputes(context: Context): void {
  context.host.onStateChange(({ endpointId, state, former, at }) => {
    if (state !== 'active' && state !== 'idle') return
    // In the API it was active all the time.
    if (former === 'frozen' && state === 'active') return
    recordComputeState(context.store, endpointId, state, at).catch((error: unknown) => {
      context.log.warn(
        { endpoint_id: endpointId, error: describeError(error) },
        'state not recorded',
      )
    })
  })
}

function notes(settings: Settings, options: ServeOptions, names: HostNames): string[] {
  const found: string[] = []
  if (names.advice !== undefined) {
    const instead = names.areUsed ? '' : ', so connection strings name the endpoint in options='
    found.push(`Names below ${settings.domain} do not resolve here${instead}; ${names.advice}.`)
  }
  for (const [name, wanted, actual] of [
    ['direct', options.directPort, settings.directPort],
    ['pooled', options.pooledPort, settings.pooledPort],
    ['SQL-over-HTTP', options.sqlPort, settings.sqlPort],
  ] as const) {
    if (wanted !== actual) {
      found.push(`Port ${wanted} is taken, so ${name} connections are on port ${actual}.`)
    }
  }
  return found
}
