import { message } from '../gateway/wire/messages.ts'

/** Messages of the extended query protocol and of COPY, as a driver sends them (manual, "Message Formats"). */

export function parse(name: string, text: string, types: readonly number[] = []): Buffer {
  return message('P', Buffer.concat([terminated(name), terminated(text), counted(types, 4)]))
}

/** Parameters go as text; null is SQL's. `format` is of all result columns: 0 text, 1 binary. */
export function bind(
  statement: string,
  parameters: readonly (string | null)[] = [],
  { portal = '', format = 0 } = {},
): Buffer {
  const values = parameters.map((value) => {
    const bytes = Buffer.from(value ?? '')
    return Buffer.concat([integer(value === null ? -1 : bytes.length, 4), bytes])
  })
  return message(
    'B',
    Buffer.concat([
      terminated(portal),
      terminated(statement),
      counted([], 2),
      integer(values.length, 2),
      ...values,
      counted([format], 2),
    ]),
  )
}

export function describeStatement(name: string): Buffer {
  return message('D', Buffer.concat([Buffer.from('S'), terminated(name)]))
}

export function describePortal(name: string): Buffer {
  return message('D', Buffer.concat([Buffer.from('P'), terminated(name)]))
}

export function closeStatement(name: string): Buffer {
  return message('C', Buffer.concat([Buffer.from('S'), terminated(name)]))
}

export function closePortal(name: string): Buffer {
  return message('C', Buffer.concat([Buffer.from('P'), terminated(name)]))
}

/** 0 rows are all. */
export function execute(portal = '', rows = 0): Buffer {
  return message('E', Buffer.concat([terminated(portal), integer(rows, 4)]))
}

export function sync(): Buffer {
  return message('S', Buffer.alloc(0))
}

export function flush(): Buffer {
  return message('H', Buffer.alloc(0))
}

export function copyData(text: string): Buffer {
  return message('d', Buffer.from(text))
}

export function copyDone(): Buffer {
  return message('c', Buffer.alloc(0))
}

export function copyFail(reason: string): Buffer {
  return message('f', terminated(reason))
}

/** Arguments and result as text. */
export function functionCall(oid: number, parameters: readonly string[]): Buffer {
  const values = parameters.map((value) =>
    Buffer.concat([integer(Buffer.byteLength(value), 4), Buffer.from(value)]),
  )
  return message(
    'F',
    Buffer.concat([
      integer(oid, 4),
      counted([], 2),
      integer(values.length, 2),
      ...values,
      integer(0, 2),
    ]),
  )
}

function terminated(text: string): Buffer {
  return Buffer.from(`${text}\0`)
}

/** A count in two bytes, then as many integers. */
function counted(values: readonly number[], bytesEach: 2 | 4): Buffer {
  return Buffer.concat([integer(values.length, 2), ...values.map((one) => integer(one, bytesEach))])
}

function integer(value: number, bytes: 2 | 4): Buffer {
  const buffer = Buffer.alloc(bytes)
  buffer.writeIntBE(value, 0, bytes)
  return buffer
}
