/**
 * SCRAM-SHA-256 as PostgreSQL uses it (RFC 5802, RFC 7677; PostgreSQL manual, "SASL Authentication").
 *
 * Who holds a verifier can check a login but not make one. A client's proof reveals its ClientKey to
 * whoever verifies it, and a ClientKey is enough to log in wherever the same verifier is stored:
 * that is how the gateway continues to a compute without ever seeing a password.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

export interface ScramVerifier {
  iterations: number
  salt: Buffer
  storedKey: Buffer
  serverKey: Buffer
}

/** What a password is worth under one salt: enough to log in and to check the server's answer. */
export interface ScramKeys {
  clientKey: Buffer
  serverKey: Buffer
}

export const scramKeyBytes = 32

/** PostgreSQL's default (`scram_iterations`), which stock clients compute in a few milliseconds. */
const defaultIterations = 4096
const saltBytes = 16
/** A verifier is our own or PostgreSQL's; whoever logs in by SCRAM has to compute it itself. */
const maxIterations = 10_000_000
/** As many are computed here for a password that comes in clear: a tenth of a second. */
export const maxOwnIterations = 200_000

const pbkdf2Async = promisify(pbkdf2)

/** A new verifier, as `pg_authid.rolpassword` stores it: `SCRAM-SHA-256$4096:<salt>$<StoredKey>:<ServerKey>`. */
export async function createVerifier(
  password: string,
  options: { iterations?: number; salt?: Buffer } = {},
): Promise<string> {
  const { iterations = defaultIterations, salt = randomBytes(saltBytes) } = options
  const { clientKey, serverKey } = await deriveKeys(password, salt, iterations)
  return renderVerifier({ iterations, salt, storedKey: sha256(clientKey), serverKey })
}

export function renderVerifier(verifier: ScramVerifier): string {
  const { iterations, salt, storedKey, serverKey } = verifier
  const base64 = (bytes: Buffer) => bytes.toString('base64')
  return `SCRAM-SHA-256$${iterations}:${base64(salt)}$${base64(storedKey)}:${base64(serverKey)}`
}

const verifierPattern =
  /^SCRAM-SHA-256\$(\d{1,8}):([A-Za-z0-9+/]+={0,2})\$([A-Za-z0-9+/]{43}=):([A-Za-z0-9+/]{43}=)$/

/** Undefined for anything that is no SCRAM-SHA-256 verifier, such as an MD5 hash. */
export function parseVerifier(text: string): ScramVerifier | undefined {
  const [, iterations, salt, storedKey, serverKey] = verifierPattern.exec(text) ?? []
  if (!iterations || !salt || !storedKey || !serverKey) return undefined
  const verifier = {
    iterations: Number(iterations),
    salt: Buffer.from(salt, 'base64'),
    storedKey: Buffer.from(storedKey, 'base64'),
    serverKey: Buffer.from(serverKey, 'base64'),
  }
  const isUsable = verifier.iterations >= 1 && verifier.iterations <= maxIterations
  return isUsable ? verifier : undefined
}

/** Whether passwords are checked by it here: a role can give itself one that would take seconds. */
export function isAffordable({ iterations }: ScramVerifier): boolean {
  return iterations <= maxOwnIterations
}

/** Whether the password belongs to the verifier; false also where that is none, or takes too long. */
export async function verifyPassword(password: string, verifier: string): Promise<boolean> {
  const parsed = parseVerifier(verifier)
  if (parsed === undefined || !isAffordable(parsed)) return false
  return (await keysOfPassword(password, parsed)) !== undefined
}

/** The keys of a password that belongs to the affordable verifier, undefined for any other password. */
export async function keysOfPassword(
  password: string,
  verifier: ScramVerifier,
): Promise<ScramKeys | undefined> {
  const keys = await deriveKeys(password, verifier.salt, verifier.iterations)
  return timingSafeEqual(sha256(keys.clientKey), verifier.storedKey) ? keys : undefined
}

/** The keys of a password under one salt. Takes milliseconds, by design, off the main thread. */
export async function deriveKeys(
  password: string,
  salt: Buffer,
  iterations: number,
): Promise<ScramKeys> {
  const salted = await pbkdf2Async(saslPrep(password), salt, iterations, scramKeyBytes, 'sha256')
  return { clientKey: hmac(salted, 'Client Key'), serverKey: hmac(salted, 'Server Key') }
}

/** ClientProof of RFC 5802 section 3, from a ClientKey instead of a password. */
export function clientProof(clientKey: Buffer, authMessage: string): Buffer {
  return xor(clientKey, hmac(sha256(clientKey), authMessage))
}

/** The ClientKey behind a proof, or undefined where the proof is not of the verifier's password. */
export function clientKeyOfProof(
  proof: Buffer,
  verifier: Pick<ScramVerifier, 'storedKey'>,
  authMessage: string,
): Buffer | undefined {
  if (proof.length !== scramKeyBytes) return undefined
  const clientKey = xor(proof, hmac(verifier.storedKey, authMessage))
  return timingSafeEqual(sha256(clientKey), verifier.storedKey) ? clientKey : undefined
}

/** ServerSignature of RFC 5802 section 3: shows the client that the server holds its verifier. */
export function serverSignature(serverKey: Buffer, authMessage: string): Buffer {
  return hmac(serverKey, authMessage)
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

function hmac(key: Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}

function xor(left: Buffer, right: Buffer): Buffer {
  return Buffer.from(left.map((byte, at) => byte ^ (right[at] ?? 0)))
}

/** RFC 3454 tables C.1.2 and B.1: mapped to a space, and to nothing. */
const otherSpaces = /[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000]/gu
const mappedToNothing = new RegExp(
  // Alternatives where characters of one class would look joined to each other.
  '[\\u00ad\\u1806\\u180b-\\u180d\\u2060\\ufeff]|\\u034f|\\u200c|\\u200d|[\\ufe00-\\ufe0f]',
  'gu',
)

/**
 * RFC 3454 tables C.2 to C.9: control, private, not characters, surrogates, tags and the like; and
 * the planes and blocks that had no characters in Unicode 3.2 (table A.1), such as emoji.
 */
const prohibited = new RegExp(
  '[' +
    '\\u0000-\\u001f\\u007f-\\u009f\\u06dd\\u070f\\u180e\\u2028\\u2029\\u2061-\\u2063' +
    '\\u0340\\u0341\\u200e\\u200f\\u202a-\\u202e\\u206a-\\u206f\\u2ff0-\\u2ffb' +
    '\\ud800-\\udfff\\ue000-\\uf8ff\\ufdd0-\\ufdef\\ufff9-\\uffff' +
    '\\u{10000}-\\u{102ff}\\u{10450}-\\u{1cfff}\\u{1d173}-\\u{1d17a}\\u{1d800}-\\u{1ffff}' +
    '\\u{2a6d7}-\\u{2f7ff}\\u{2fa1e}-\\u{10ffff}' +
    ']',
  'u',
)

/**
 * SASLprep (RFC 4013) as PostgreSQL applies it: ASCII stays as it is, other passwords are mapped and
 * normalised to NFKC, and what the profile forbids is used unchanged instead of being refused.
 *
 * Two checks of PostgreSQL are left out: characters of the first plane that are younger than Unicode
 * 3.2, and mixed writing directions. Both make it use the password unchanged, so that only a password
 * that has such characters and others that NFKC changes is prepared differently here.
 */
export function saslPrep(password: string): string {
  if (isAscii(password)) return password
  const prepared = password
    .replaceAll(otherSpaces, ' ')
    .replaceAll(mappedToNothing, '')
    .normalize('NFKC')
  return prepared === '' || prohibited.test(prepared) ? password : prepared
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
