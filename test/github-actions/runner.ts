import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { parse } from 'yaml'

import { repository } from '../platform.ts'
import { type Contexts, interpolate, isWanted, type JobStatus } from './expressions.ts'

export interface Step {
  id?: string
  name?: string
  if?: string | boolean
  uses?: string
  run?: string
  shell?: string
  env?: Record<string, string>
  with?: Record<string, string>
}

export interface Job {
  if?: string | boolean
  needs?: string
  'runs-on'?: string
  steps: Step[]
}

export interface Workflow {
  name: string
  on: unknown
  env?: Record<string, string>
  defaults?: { run?: { shell?: string } }
  permissions?: Record<string, string>
  jobs: Record<string, Job>
}

export interface Action {
  name: string
  description: string
  inputs?: Record<string, { description: string; default?: string; required?: boolean }>
  outputs?: Record<string, { description: string; value: string }>
  runs: { using: string; steps: Step[] }
}

export interface RunnerOptions {
  /** The checked-out repository that the job works in. */
  workspace: string
  /** A directory of the runner's own. */
  temp: string
  env: NodeJS.ProcessEnv
  secrets: Record<string, string>
  /** The event: what `github.event` and the file of GITHUB_EVENT_PATH say. */
  event: Record<string, unknown>
}

export interface JobResult {
  failed: boolean
  /** What a reader of the run would see, masked as GitHub masks it. */
  log: string
  outputs: Record<string, Record<string, string>>
}

/** Where the examples find our actions; in the tests that is this repository. */
const ownActions = /^your-org\/coppice\/(actions\/[\w-]+)@main$/
/** What GitHub's own actions do is done by the test beforehand. */
const githubActions = ['actions/checkout@v4']

/** The directory of an action of ours that a step uses; undefined for GitHub's own. */
export function ownActionDirectory(uses: string): string | undefined {
  const path = ownActions.exec(uses)?.[1]
  if (path === undefined && !githubActions.includes(uses)) throw new Error(`unknown action ${uses}`)
  return path
}

export async function readWorkflow(path: string): Promise<Workflow> {
  return parse(await readFile(join(repository, path), 'utf8')) as Workflow
}

export async function readAction(directory: string): Promise<Action> {
  return parse(await readFile(join(repository, directory, 'action.yml'), 'utf8')) as Action
}

/**
 * Does what GitHub's runner does with a job: runs every line of shell of its steps and of the composite
 * actions that they use, with their inputs, the files GITHUB_ENV, GITHUB_OUTPUT and GITHUB_PATH, and masks.
 */
export class Runner {
  readonly #options: RunnerOptions
  readonly #status: JobStatus = { failed: false }
  readonly #env: Record<string, string>
  readonly #path: string[] = []
  readonly #masks: string[]
  #log = ''

  constructor(options: RunnerOptions, env: Record<string, string> = {}) {
    this.#options = options
    this.#env = { ...env }
    this.#masks = Object.values(options.secrets)
  }

  async runJob(workflow: Workflow, name: string): Promise<JobResult> {
    const job = workflow.jobs[name]
    if (job === undefined) throw new Error(`no job ${name}`)
    const steps: Record<string, { outputs: Record<string, string> }> = {}
    const contexts = this.#contexts({ steps })
    for (const [key, value] of Object.entries(workflow.env ?? {})) {
      this.#env[key] = interpolate(value, contexts, this.#status)
    }
    if (isWanted(job.if, contexts, this.#status)) {
      await this.#runSteps(job.steps, steps, {}, workflow.defaults?.run?.shell)
    }
    const outputs = Object.entries(steps).map(([id, step]) => [id, step.outputs] as const)
    return { failed: this.#status.failed, log: this.#log, outputs: Object.fromEntries(outputs) }
  }

  #contexts(more: Contexts): Contexts {
    const { secrets, event, env } = this.#options
    return {
      secrets,
      env: this.#env,
      github: { event, token: env['GITHUB_TOKEN'] },
      runner: { temp: this.#options.temp },
      ...more,
    }
  }

  async #runSteps(
    list: readonly Step[],
    steps: Record<string, { outputs: Record<string, string> }>,
    more: Contexts,
    shell: string | undefined,
    actionPath?: string,
  ): Promise<void> {
    for (const step of list) {
      const contexts = this.#contexts({ ...more, steps })
      if (!isWanted(step.if, contexts, this.#status)) continue
      const resolve = (text: string): string => interpolate(String(text), contexts, this.#status)
      const outputs =
        step.uses === undefined
          ? await this.#runShell(step, resolve, step.shell ?? shell, actionPath)
          : await this.#runAction(step.uses, step.with ?? {}, resolve)
      if (step.id !== undefined) steps[step.id] = { outputs }
    }
  }

  async #runAction(
    uses: string,
    given: Record<string, string>,
    resolve: (text: string) => string,
  ): Promise<Record<string, string>> {
    const directory = ownActionDirectory(uses)
    if (directory === undefined) return {}
    const action = await readAction(directory)
    const inputs: Record<string, string> = {}
    for (const [name, input] of Object.entries(action.inputs ?? {})) {
      inputs[name] = resolve(given[name] ?? input.default ?? '')
    }
    const steps: Record<string, { outputs: Record<string, string> }> = {}
    const path = join(repository, directory)
    await this.#runSteps(action.runs.steps, steps, { inputs }, undefined, path)
    const outputs = Object.entries(action.outputs ?? {}).map(([name, { value }]) => [
      name,
      interpolate(value, this.#contexts({ inputs, steps }), this.#status),
    ])
    return Object.fromEntries(outputs) as Record<string, string>
  }

  async #runShell(
    step: Step,
    resolve: (text: string) => string,
    shell: string | undefined,
    actionPath: string | undefined,
  ): Promise<Record<string, string>> {
    const { temp, workspace, env, event } = this.#options
    const directory = await mkdtemp(join(temp, 'step-'))
    const files = { GITHUB_ENV: 'env', GITHUB_OUTPUT: 'output', GITHUB_PATH: 'path' }
    const commandFiles = Object.fromEntries(
      Object.entries(files).map(([name, file]) => [name, join(directory, file)]),
    )
    for (const file of Object.values(commandFiles)) await writeFile(file, '')
    await writeFile(join(directory, 'event.json'), JSON.stringify(event))
    const script = join(directory, 'script.sh')
    await writeFile(script, resolve(step.run ?? ''))
    const flags = shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail'] : ['-e']
    const { failed, output } = await execute('bash', [...flags, script], {
      cwd: workspace,
      env: {
        ...env,
        ...this.#env,
        ...Object.fromEntries(
          Object.entries(step.env ?? {}).map(([name, value]) => [name, resolve(value)]),
        ),
        ...commandFiles,
        PATH: [...this.#path, env['PATH']].join(':'),
        RUNNER_TEMP: temp,
        GITHUB_EVENT_PATH: join(directory, 'event.json'),
        ...(actionPath !== undefined && { GITHUB_ACTION_PATH: actionPath }),
      },
    })
    this.#note(output)
    if (failed) this.#status.failed = true
    const read = async (name: string): Promise<string> => readFile(commandFiles[name] ?? '', 'utf8')
    Object.assign(this.#env, parseValues(await read('GITHUB_ENV')))
    this.#path.unshift(...(await read('GITHUB_PATH')).split('\n').filter((path) => path !== ''))
    return parseValues(await read('GITHUB_OUTPUT'))
  }

  /** Adds to the log what a reader of the run sees. */
  #note(output: string): void {
    for (const line of output.split('\n')) {
      const mask = /^::add-mask::(.*)$/.exec(line)?.[1]
      if (mask === undefined) {
        const masks = this.#masks.toSorted((a, b) => b.length - a.length)
        this.#log += `${masks.reduce((text, secret) => text.replaceAll(secret, '***'), line)}\n`
      } else if (mask !== '') this.#masks.push(mask)
    }
  }
}

/** Makes the directories of a runner below one. */
export async function makeRunnerDirectories(
  home: string,
): Promise<{ workspace: string; temp: string }> {
  const root = await mkdtemp(join(home, 'runner-'))
  const directories = { workspace: join(root, 'work'), temp: join(root, 'temp') }
  for (const directory of Object.values(directories)) await mkdir(directory)
  return directories
}

async function execute(
  file: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): Promise<{ failed: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = execFile(file, args, { ...options, timeout: 120_000 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    )
    child.stdin?.end()
  })
}

/** The lines of a command file: `name=value`, or `name<<end`, lines, `end`. */
function parseValues(text: string): Record<string, string> {
  const values: Record<string, string> = {}
  const lines = text.split('\n')
  for (let line = lines.shift(); line !== undefined; line = lines.shift()) {
    const [, name, operator, rest = ''] = /^([\w-]+)(=|<<)(.*)$/.exec(line) ?? []
    if (name === undefined) continue
    if (operator === '=') values[name] = rest
    else
      values[name] = lines
        .splice(0, lines.indexOf(rest) + 1)
        .slice(0, -1)
        .join('\n')
  }
  return values
}
