import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { TimeTravel } from '../control/time-travel.ts'
import { readCertificatePair } from '../gateway/certificate-pair.ts'
import { ensureCertificates } from '../gateway/certificates.ts'
import { createGateway } from '../gateway/gateway.ts'
import { createControlPlane } from '../program/control-plane.ts'
import type { TestControl } from './control.ts'

/** A gateway before the computes of a control plane. */
export interface ControlGateway {
  /** `host=… port=…` of an endpoint, to which user and database are added. */
  conninfo(endpointId: string): string
  stop(): Promise<void>
}

export async function startControlGateway({ context }: TestControl): Promise<ControlGateway> {
  const { domain } = context.settings
  const directory = await mkdtemp(join(tmpdir(), 'coppice-gateway-'))
  const gateway = createGateway({
    controlPlane: createControlPlane({ ...context, timeTravel: new TimeTravel(context) }),
    tls: await readCertificatePair(await ensureCertificates({ directory, domain })),
    secret: 'a secret',
    domain,
    listen: [{ host: '127.0.0.1', port: 0, pooled: false }],
    log: context.log,
    limits: { drainGraceMs: 200 },
  })
  await gateway.start()
  const port = gateway.addresses()[0]?.port
  return {
    conninfo: (endpointId) =>
      `host=${endpointId}.${domain} hostaddr=127.0.0.1 port=${port} sslmode=require`,
    stop: async () => {
      await gateway.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
