import fc from 'fast-check'
import { expect, test } from 'vitest'

import { ClientError } from '../errors.ts'
import { cancelRequest, requestCodes, startupMessage } from './messages.ts'
import { parseOpeningPacket, parsePacketLength } from './startup.ts'

function parse(packet: Buffer) {
  expect(parsePacketLength(packet.subarray(0, 4))).toBe(packet.length - 4)
  return parseOpeningPacket(packet.subarray(4))
}

const word = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'))
const value = fc.oneof(word, fc.constant(''))

test('reads back every startup message', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(word, value)), (pairs) => {
      const parameters = new Map(pairs)
      const packet = startupMessage(parameters)
      fc.pre(packet.length <= 10_000)
      expect(parse(packet)).toEqual({
        kind: 'startup',
        majorVersion: 3,
        minorVersion: 0,
        parameters,
      })
    }),
  )
})

test('reads cancel requests, and takes longer keys for unknown ones', () => {
  const key = { processId: 7, secretKey: 0xfffffffe }
  expect(parse(cancelRequest(key))).toEqual({ kind: 'cancel_request', key })
  const code = Buffer.alloc(4)
  code.writeUInt32BE(requestCodes.cancel)
  expect(parseOpeningPacket(Buffer.concat([code, Buffer.alloc(36)]))).toEqual({
    kind: 'cancel_request',
    key: undefined,
  })
})

test.each([
  'user',
  'user\0',
  'user\0u',
  'user\0u\0',
  'user\0u\0\0\0',
  'user\0u\0\0more\0',
  '\0u\0\0',
])('refuses the parameters %j', (text) => {
  const version = Buffer.from([0, 3, 0, 0])
  expect(() => parseOpeningPacket(Buffer.concat([version, Buffer.from(text)]))).toThrow(
    'invalid layout of startup packet',
  )
})

test.each([0, 7, 10_001, 0x47455420])('refuses a packet of %d bytes', (packetBytes) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(packetBytes)
  expect(() => parsePacketLength(length)).toThrow('invalid length of startup packet')
})

test('never fails on any bytes but by refusing them', () => {
  const sqlstateOf = (bytes: Uint8Array) => {
    try {
      parseOpeningPacket(Buffer.from(bytes))
      return '08P01'
    } catch (error) {
      return error instanceof ClientError ? error.sqlstate : error
    }
  }
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ minLength: 4, maxLength: 200 }),
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.of(0, 3, 0, 0, ...bytes)),
      ),
      (bytes) => sqlstateOf(bytes) === '08P01',
    ),
  )
})
