import { type Command, InvalidArgumentError, Option } from 'commander'

import { CliError } from '../errors.ts'

/** A command of Neon's CLI that stands for something that is not here, and what there is instead. */
interface Elsewhere {
  names: readonly string[]
  what: string
  instead: string
}

const product = (name: string) => `${name} is a product of Neon's cloud and not part of Coppice.`

const elsewhere: readonly Elsewhere[] = [
  {
    names: ['auth', 'login'],
    what: 'There is no sign-in here: programs use API keys.',
    instead:
      "On the platform's machine its key is found by itself. Elsewhere set COPPICE_API_HOST and\n" +
      'COPPICE_API_KEY; `coppice api-keys create --name you` makes a key.',
  },
  {
    names: ['profile', 'profiles'],
    what: 'There are no profiles here.',
    instead: 'Set COPPICE_API_HOST and COPPICE_API_KEY for each platform that you use.',
  },
  {
    names: ['vpc'],
    what: 'Private networking between clouds is not part of Coppice.',
    instead:
      'Who may connect: coppice ip-allow add <address>\n' +
      'Where the platform listens: coppice up --listen <addresses>',
  },
  {
    names: ['neon-auth'],
    what: product('Neon Auth'),
    instead: 'Keep users in tables of your own, or run an authentication server beside it.',
  },
  {
    names: ['data-api'],
    what: product('The Data API'),
    instead:
      'Run PostgREST with what `coppice connection-string` prints, or use SQL over HTTP:\n' +
      'docs/serverless.md',
  },
  {
    names: ['functions', 'function'],
    what: product('Neon Functions'),
    instead: 'Run programs where you like; `coppice env pull` writes what they connect with.',
  },
  {
    names: ['triggers', 'trigger'],
    what: product('A trigger of Neon Functions'),
    instead: 'Triggers of PostgreSQL work: CREATE TRIGGER.',
  },
  {
    names: ['credentials', 'credential'],
    what: product('What these credentials are for'),
    instead: 'For the API: coppice api-keys. For PostgreSQL: coppice roles.',
  },
  {
    names: ['buckets', 'bucket'],
    what: product('Object storage'),
    instead: 'Any object store works beside it.',
  },
  {
    names: ['claim', 'claimable'],
    what: 'Projects here are yours from the start: there is nothing to claim.',
    instead: 'Create one with `coppice projects create`; branches expire with --expires-at.',
  },
  {
    names: ['bootstrap'],
    what: "Starter templates are Neon's and come from its servers.",
    instead: 'Link a directory of your own: coppice link --project-name <name>',
  },
  {
    names: ['init'],
    what: "Setting up coding agents for Neon's cloud is not part of Coppice.",
    instead: 'Link this directory: coppice link',
  },
  {
    names: ['mcp', 'plugins', 'plugin', 'skills', 'skill'],
    what: "What this installs speaks to Neon's cloud.",
    instead: 'Agents can use this command line, with `-o json`, and the API: coppice api --list',
  },
  {
    names: ['ask'],
    what: "This asks a service of Neon's cloud.",
    instead: 'Every command has its --help; docs/cli.md has them all.',
  },
  {
    names: ['config', 'deploy', 'dev'],
    what: "A neon.ts describes services of Neon's cloud, which Coppice does not run.",
    instead:
      'The state of the platform: coppice status\n' +
      'Settings of a branch: coppice branches, coppice endpoints',
  },
  {
    names: ['open'],
    what: 'There is no web console to open.',
    instead: 'The platform at a glance: coppice status. Its API: coppice api --list',
  },
]

/** Commands that are known, and say what to do: an unknown command would say nothing. */
export function addElsewhere(program: Command): void {
  for (const { names, what, instead } of elsewhere) {
    for (const name of names) {
      program
        .command(name, { hidden: true })
        .description(`${what}\n${instead}`)
        .argument('[words...]', 'Whatever Neon has there.')
        .allowUnknownOption()
        .action(() => {
          throw new CliError(what, { advice: instead })
        })
    }
  }
}

/** Flags of Neon's projects that ask for what its cloud is. */
const projectFlags: Readonly<Record<string, string>> = {
  'block-public-connections':
    'Say who may connect with `coppice ip-allow`, or listen on fewer addresses: coppice up --listen.',
  'block-vpc-connections': 'There are no VPC endpoints here; `coppice ip-allow` guards addresses.',
  hipaa: "That is a certificate of Neon's cloud; here it is your machine that counts.",
}

/** Adds them so that they are refused with what to do, not as a typing error. */
export function addCloudFlags(command: Command): Command {
  for (const [name, advice] of Object.entries(projectFlags)) {
    command.addOption(refusing(`--${name} [value]`, advice))
  }
  return command
}

/** Global flags of Neon's CLI that have no meaning here. */
export function addForeignFlags(program: Command): Command {
  const keys = 'There are none here: set COPPICE_API_HOST and COPPICE_API_KEY.'
  return (
    program
      .addOption(refusing('--profile <name>', keys))
      .addOption(refusing('--config-dir <directory>', keys))
      // Nothing is sent to anybody, so that this is so already.
      .addOption(new Option('--no-analytics', 'Nothing is sent anyway.').hideHelp())
  )
}

function refusing(flags: string, advice: string): Option {
  // A flag without its optional value would otherwise not reach the parser.
  return new Option(flags, 'Not here.')
    .hideHelp()
    .preset('true')
    .argParser(() => {
      throw new InvalidArgumentError(advice)
    })
}
