import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Command } from 'commander'

import { type Cli, homeOf } from '../cli.ts'
import { CliError } from '../errors.ts'
import { addExamples } from '../help.ts'
import { runProgram } from '../platform-program.ts'
import { errnoOf, findPlatform } from '../platform.ts'
import { renderDetails } from '../table.ts'

/** `ca`: the authority that signs the platform's certificates, and how clients come to trust it. */
export function addCa(program: Command, cli: Cli): void {
  const command = program
    .command('ca')
    .description("Print the path of the platform's certificate authority, and how to trust it.")
    .option('--print', 'Print the certificate itself, in PEM.')
  addExamples(command, [
    ['ca --print > coppice-ca.crt', 'A copy for another machine'],
    ['ca install', 'Trust it on this whole machine, as root'],
  ]).action(async ({ print }: { print?: boolean }) => {
    const authority = await readAuthority(cli)
    if (print) cli.output.line(authority.pem.trimEnd())
    else await show(cli, authority)
  })
  const inStore = (name: 'install' | 'uninstall', description: string) =>
    command
      .command(name)
      .description(description)
      .action(async () => {
        const answer = await runProgram(cli, ['ca', name])
        const verb = name === 'install' ? 'holds' : 'no longer holds'
        const file = String(answer['file'])
        await cli.output.answer(answer, () => `The system's store ${verb} ${file}.`)
      })
  inStore('install', "Put it into this system's store, which curl, Python, Go and others read.")
  inStore('uninstall', "Take it out of this system's store.")
}

interface Authority {
  file: string
  pem: string
}

/** Of the platform that runs, else the one that an earlier start has left. */
async function readAuthority(cli: Cli): Promise<Authority> {
  const platform = await findPlatform(cli)
  const home = platform?.home ?? homeOf(cli)
  if (platform && platform.caFile === undefined) {
    throw new CliError(`The platform in ${home} has a certificate of your own (--tls-cert).`, {
      advice: 'Clients verify it by the authority that has signed it, with nothing from here.',
    })
  }
  const file = platform?.caFile ?? join(home, 'tls', 'ca.crt')
  try {
    return { file, pem: await readFile(file, 'utf8') }
  } catch (error) {
    throw new CliError(`Cannot read ${file} (${errnoOf(error) ?? 'unknown error'}).`, {
      advice: 'It is made by the first `coppice up`.',
      cause: error,
    })
  }
}

async function show(cli: Cli, { file, pem }: Authority): Promise<void> {
  const certificate = new X509Certificate(pem)
  const answer = {
    ca_file: file,
    fingerprint_sha256: certificate.fingerprint256,
    expires_at: new Date(certificate.validTo).toISOString(),
    trust: waysToTrust(file),
  }
  await cli.output.answer(answer, () => file)
  if (cli.output.format !== 'table') return
  const ways = Object.entries(answer.trust).map(([name, line]) => [`  ${name}`, line] as const)
  cli.output.note(`Trust it, whichever fits:\n${await renderDetails(ways)}`)
}

/** By who is to trust it. Each is one line for a shell, or for the end of a connection string. */
function waysToTrust(file: string): Record<string, string> {
  const inDebian = '/usr/local/share/ca-certificates/coppice.crt && sudo update-ca-certificates'
  const inFedora = '/etc/pki/ca-trust/source/anchors/coppice.crt && sudo update-ca-trust'
  const keychain = '/Library/Keychains/System.keychain'
  return {
    'connection string': `sslmode=verify-full&sslrootcert=${file}`,
    'psql, libpq': `export PGSSLMODE=verify-full PGSSLROOTCERT=${file}`,
    'Node.js': `export NODE_EXTRA_CA_CERTS=${file}`,
    curl: `export CURL_CA_BUNDLE=${file}`,
    'Python, Go': `export SSL_CERT_FILE=${file}`,
    Java: `keytool -importcert -noprompt -alias coppice -file ${file} -keystore coppice.p12 -storepass changeit`,
    'Debian, Ubuntu, Alpine': `sudo cp ${file} ${inDebian}`,
    'Fedora, RHEL': `sudo cp ${file} ${inFedora}`,
    macOS: `sudo security add-trusted-cert -d -r trustRoot -k ${keychain} ${file}`,
  }
}
