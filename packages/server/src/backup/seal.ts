import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import { promisify } from 'node:util'
import { constants, gunzip, gzip } from 'node:zlib'

import { AppError } from '../lib/errors.ts'

/** How objects are named and packed: compressed, and encrypted where the place has a passphrase. */
export interface Seal {
  /** The same content has the same name, and another content another one. */
  nameOf(content: Uint8Array): string
  pack(content: Uint8Array): Promise<Buffer>
  /** Rejects where the bytes are not those that `pack` made, or would be more than that. */
  unpack(packed: Uint8Array, maxBytes: number): Promise<Buffer>
}

/** In the clear in the place: what it takes to make the key from the passphrase. */
export interface Encryption {
  kind: 'scrypt-aes-256-gcm'
  salt: string
  cost: number
  /** Tells a wrong passphrase. */
  check: string
}

const compress = promisify(gzip)
const decompress = promisify(gunzip)

/** Most of what there is to take, at the speed of a disk. */
const gzipOptions = { level: constants.Z_BEST_SPEED }
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
const blockSize = 8
/** Some 100 ms and 64 MB for each guess at the passphrase. */
const defaultCost = 2 ** 16

export function createPlainSeal(): Seal {
  return {
    nameOf: (content) => createHash('sha256').update(content).digest('hex'),
    pack: async (content) => compress(content, gzipOptions),
    unpack: async (packed, maxBytes) => decompress(packed, { maxOutputLength: maxBytes }),
  }
}

/** Makes the key of a new place. */
export async function createEncryption(
  passphrase: string,
): Promise<{ encryption: Encryption; seal: Seal }> {
  const salt = randomBytes(16)
  const keys = await deriveKeys(passphrase, salt, defaultCost)
  return {
    encryption: {
      kind: 'scrypt-aes-256-gcm',
      salt: salt.toString('hex'),
      cost: defaultCost,
      check: keys.check,
    },
    seal: createSecretSeal(keys),
  }
}

/** Rejects with AppError `invalid_request` for another passphrase. */
export async function openEncryption(encryption: Encryption, passphrase: string): Promise<Seal> {
  const salt = Buffer.from(encryption.salt, 'hex')
  const keys = await deriveKeys(passphrase, salt, encryption.cost)
  const [known, found] = [Buffer.from(encryption.check, 'hex'), Buffer.from(keys.check, 'hex')]
  if (known.length === found.length && timingSafeEqual(known, found)) return createSecretSeal(keys)
  throw new AppError('invalid_request', 'the passphrase is not the one of these backups')
}

interface Keys {
  content: Buffer
  names: Buffer
  check: string
}

async function deriveKeys(passphrase: string, salt: Buffer, cost: number): Promise<Keys> {
  const options = { N: cost, r: blockSize, p: 1, maxmem: 256 * cost * blockSize }
  const master = await new Promise<Buffer>((resolve, reject) => {
    scrypt(passphrase.normalize('NFC'), salt, keyBytes, options, (error, key) => {
      if (error) reject(error)
      else resolve(key)
    })
  })
  const derive = (purpose: string): Buffer => createHmac('sha256', master).update(purpose).digest()
  return {
    content: derive('content'),
    names: derive('names'),
    check: derive('check').toString('hex'),
  }
}

/** Names are keyed as well: they would tell who has the same content otherwise. */
function createSecretSeal({ content: key, names }: Keys): Seal {
  const plain = createPlainSeal()
  return {
    nameOf: (content) => createHmac('sha256', names).update(content).digest('hex'),
    pack: async (content) => {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce)
      const body = Buffer.concat([cipher.update(await plain.pack(content)), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body])
    },
    unpack: async (packed, maxBytes) => {
      const nonce = packed.subarray(0, nonceBytes)
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
      decipher.setAuthTag(packed.subarray(nonceBytes, nonceBytes + tagBytes))
      const body = decipher.update(packed.subarray(nonceBytes + tagBytes))
      return plain.unpack(Buffer.concat([body, decipher.final()]), maxBytes)
    },
  }
}
