// Checks a resource's body against Microsoft's own schema of its type and version: unknown properties, types, choices, patterns.
// arm_schemas.json holds what infra/ uses of https://github.com/Azure/azure-resource-manager-schemas (MIT, Microsoft), without
// prose; bounds that only the prose has ("Maximum value is 10") stand as minimum and maximum.
import { readFileSync } from 'node:fs'
import { unknown } from './bicep.mjs'

const schemas = JSON.parse(readFileSync(new URL('arm_schemas.json', import.meta.url), 'utf8'))

/** Bicep's own members of a resource, which are no properties of it. */
const ofBicep = new Set(['parent', 'scope', 'dependsOn'])

class Check {
  constructor(definitions) {
    this.definitions = definitions
    this.findings = []
  }
  say(at, what) { this.findings.push(`${at}: ${what}`) }

  resolved(schema) { return schema.$ref ? this.definitions[schema.$ref.split('/').at(-1)] : schema }

  value(value, schema, at) {
    if (schema.$ref) return this.value(value, this.resolved(schema), at)
    if (value === unknown || isExpression(value) || !schema.type) return
    const type = Array.isArray(value) ? 'array' : typeof value
    const wanted = schema.type === 'integer' ? 'number' : schema.type
    if (type !== wanted) return this.say(at, `is ${type}, not ${schema.type}`)
    if (type === 'object') return this.object(value, schema, at)
    if (type === 'array') return value.forEach((item, index) => this.value(item, schema.items ?? {}, `${at}[${index}]`))
    if (schema.type === 'integer' && !Number.isInteger(value)) this.say(at, `${value} is not whole`)
    if (schema.enum && !schema.enum.includes(value)) this.say(at, `\`${value}\` is none of ${schema.enum.join(', ')}`)
    if (schema.pattern && !new RegExp(schema.pattern).test(value)) this.say(at, `\`${value}\` does not match ${schema.pattern}`)
    if (value < schema.minimum || value > schema.maximum) this.say(at, `${value} is out of range`)
    if (value.length < schema.minLength || value.length > schema.maxLength) this.say(at, `\`${value}\` has a wrong length`)
  }

  object(value, schema, at) {
    for (const [name, one] of Object.entries(value)) {
      const property = schema.properties?.[name] ?? (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined)
      if (property) this.value(one, property, `${at}.${name}`)
      else if (schema.properties && schema.additionalProperties !== true) this.say(`${at}.${name}`, 'there is no such property')
    }
    for (const name of schema.required ?? []) {
      // `properties` that may be empty may be left out, whatever the schema says
      const empty = name === 'properties' && !(this.resolved(schema.properties.properties).required?.length)
      if (!(name in value) && !empty) this.say(at, `${name} is missing`)
    }
  }
}

/** An expression of a JSON template: `[parameters('x')]`. */
const isExpression = value => typeof value === 'string' && /^\[[^[].*\]$/.test(value)

/** What is wrong with a resource; undefined when there is no schema of its type and version. */
export function checkResource({ type, version, body, at }) {
  const provider = schemas[`${type.split('/')[0]}@${version}`]
  const schema = provider?.resources[type]
  if (!schema) return undefined
  const check = new Check(provider.definitions)
  const members = Object.entries(body).filter(([name]) => !ofBicep.has(name))
  check.value({ ...Object.fromEntries(members), type, apiVersion: version }, schema, `${at} ${type}`)
  return check.findings
}
