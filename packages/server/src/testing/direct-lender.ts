import { sendCancelRequest } from '../gateway/cancel.ts'
import { type ComputeConnection, connectCompute } from '../gateway/connect-compute.ts'
import type { ControlPlane } from '../gateway/control-plane.ts'
import { Disconnected } from '../gateway/errors.ts'
import type { Lease, Lender, PoolClientDetails, TransactionStatus } from '../gateway/pool/lease.ts'
import { FrameScanner } from '../gateway/wire/frame-scanner.ts'
import { terminate } from '../gateway/wire/messages.ts'

export interface DirectLender extends Lender {
  /** Clients that have had a connection, in order. */
  readonly clients: PoolClientDetails[]
  /** Leases that were not given back yet. */
  readonly open: Set<Lease>
}

/** Lends a connection of its own to each client, without a pool. */
export function createDirectLender(controlPlane: ControlPlane): DirectLender {
  const lender: DirectLender = {
    clients: [],
    open: new Set(),

    lease: async (client, signal) => {
      const { endpointId, role, database, keys, variables, clientAddress, quiet } = client
      const wake = async () =>
        controlPlane.wake(endpointId, {
          role,
          database,
          applicationName: variables.get('application_name') ?? '',
          clientAddress,
          via: 'http',
          quiet,
        })
      const parameters = new Map([['user', role], ['database', database], ...variables])
      const compute = await connectCompute(
        { address: await wake(), wake, parameters, keys },
        signal,
      )
      const lease = leaseOf(compute, () => lender.open.delete(lease))
      lender.clients.push(client)
      lender.open.add(lease)
      return lease
    },
  }
  return lender
}

function leaseOf(
  { socket, socketPath, cancelKey }: ComputeConnection,
  onRelease: () => void,
): Lease {
  socket.once('end', () => socket.destroy())
  return {
    exchange: async (messages, onMessage) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          socket.off('data', onData).off('close', onClose)
          act()
        }
        const onClose = () => settle(() => reject(new Disconnected('the compute')))
        const scanner = new FrameScanner({
          onFrame: () => true,
          onBody: (type, body) => {
            if (type === 'Z') settle(() => resolve(body.toString() as TransactionStatus))
            else onMessage(type, body)
          },
        })
        const onData = (chunk: Buffer) => scanner.scan(chunk)
        socket.on('data', onData).on('close', onClose).resume()
        socket.write(messages)
      }),
    cancel: () => {
      if (cancelKey) void sendCancelRequest({ socketPath, key: cancelKey })
    },
    release: () => {
      onRelease()
      socket.end(terminate())
      socket.resume()
    },
  }
}
