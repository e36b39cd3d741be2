// Evaluates the Bicep of infra/ as a deployment would, modules included, with given parameters: what comes out are the bodies of
// the resources. What only Azure knows is `unknown`. Anything that does not compile (an undeclared name, a parameter that a
// module does not have or that is missing, an unknown function) is thrown with its place.
// Shared by infra.test.mjs and by the end-to-end test that runs Headroom with the container app's own variables.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Language, Parser } from './packages.mjs'

const here = dirname(fileURLToPath(import.meta.url))
await Parser.init()
const parser = new Parser()
parser.setLanguage(await Language.load(join(here, 'node_modules/tree-sitter-bicep/tree-sitter-bicep.wasm')))

export const unknown = Symbol('what only Azure knows')

export class Mistake extends Error {
  constructor(file, node, what) { super(`${file}:${node.startPosition.row + 1}:${node.startPosition.column + 1}: ${what}`) }
}

const known = (values, make) => values.includes(unknown) ? unknown : make(...values)
const text = value => value === unknown ? '<unknown>' : String(value)

/** The functions that infra/ uses. A lambda among the arguments is a JavaScript function. */
const functions = {
  array: value => known([value], one => Array.isArray(one) ? one : [one]),
  concat: (...lists) => known(lists, (...all) => Array.isArray(all[0]) ? all.flat() : all.join('')),
  empty: value => known([value], one => one === '' || one.length === 0 || Object.keys(one).length === 0),
  flatten: list => known([list], one => one.flat()),
  guid: () => unknown,
  join: (list, between) => known([list, between], (all, gap) => all.map(text).join(gap)),
  json: value => known([value], JSON.parse),
  length: value => known([value], one => one.length ?? Object.keys(one).length),
  map: (list, each) => known([list], one => one.map(each)),
  range: (first, count) => known([first, count], (from, many) => Array.from({ length: many }, (_, i) => from + i)),
  replace: (value, from, to) => known([value, from, to], (one, old, fresh) => one.replaceAll(old, fresh)),
  split: (value, by) => known([value, by], (one, gap) => one.split(gap)),
  string: value => known([value], one => typeof one === 'string' ? one : JSON.stringify(one)),
  subscription: () => ({ id: '/subscriptions/0', subscriptionId: '0' }),
  subscriptionResourceId: () => unknown,
  take: (value, count) => known([value, count], (one, many) => one.slice(0, many)),
  toLower: value => known([value], one => one.toLowerCase()),
  toUpper: value => known([value], one => one.toUpperCase()),
  union: (...objects) => known(objects, (...all) => Object.assign({}, ...all)),
  uniqueString: () => 'abcdefghijklm',
}

const operators = {
  '*': (a, b) => a * b, '+': (a, b) => a + b, '-': (a, b) => a - b, '==': (a, b) => a === b, '!=': (a, b) => a !== b,
  '<': (a, b) => a < b, '>': (a, b) => a > b, '&&': (a, b) => a && b, '||': (a, b) => a || b,
}

const named = node => node.namedChildren.filter(child => child.type !== 'comment' && child.type !== 'decorators')

class File {
  constructor(path) {
    this.path = path
    this.tree = parser.parse(readFileSync(path, 'utf8')).rootNode
    this.declared = new Map()
    this.refuseSyntaxErrors(this.tree)
    for (const node of this.tree.namedChildren) {
      if (!/^(parameter|variable|resource|module|output)_declaration$/.test(node.type)) continue
      const name = node.namedChildren[0].text
      const key = node.type === 'output_declaration' ? `output ${name}` : name
      if (this.declared.has(key)) throw new Mistake(path, node, `${name} is declared twice`)
      this.declared.set(key, node)
    }
  }
  refuseSyntaxErrors(node) {
    if (node.isError || node.isMissing) throw new Mistake(this.path, node, `syntax error near \`${node.text.slice(0, 40)}\``)
    for (const child of node.children) this.refuseSyntaxErrors(child)
  }
  of(type) { return [...this.declared.values()].filter(node => node.type === `${type}_declaration`) }
  /** [{ name, type, fallback }] of the parameters; the fallback is a node or undefined. */
  parameters() {
    return this.of('parameter').map(node => {
      const [name, type, fallback] = named(node)
      return { name: name.text, type: type.text, fallback, node }
    })
  }
}

const kinds = { string: 'string', int: 'number', bool: 'boolean', array: 'array', object: 'object' }
const kindOf = value => Array.isArray(value) ? 'array' : typeof value

/** One file with its parameters: evaluates lazily, since declarations may stand in any order. */
export class Deployment {
  constructor(path, parameters = {}) {
    this.file = new File(path)
    this.values = new Map()
    this.resources = [] // { type, version, body, at }
    this.outputs = {}
    this.bind(parameters)
  }

  static evaluate(path, parameters) {
    const deployment = new Deployment(path, parameters)
    const { file } = deployment
    for (const node of [...file.of('variable'), ...file.of('resource'), ...file.of('module')]) deployment.value(node.namedChildren[0], {})
    for (const node of file.of('output')) deployment.outputs[node.namedChildren[0].text] = deployment.expression(named(node).at(-1), {})
    return deployment
  }

  bind(parameters) {
    const all = this.file.parameters()
    for (const name of Object.keys(parameters)) {
      if (!all.some(one => one.name === name)) throw new Mistake(this.file.path, this.file.tree, `there is no parameter ${name}`)
    }
    for (const { name, type, fallback, node } of all) {
      if (!(name in parameters) && !fallback) throw new Mistake(this.file.path, node, `parameter ${name} is not given`)
      const value = name in parameters ? parameters[name] : this.expression(fallback, {})
      if (value !== unknown && kindOf(value) !== kinds[type]) throw new Mistake(this.file.path, node, `${name} is not of type ${type}`)
      this.values.set(name, value)
    }
  }

  value(identifier, scope) {
    const name = identifier.text
    if (name in scope) return scope[name]
    if (this.values.has(name)) return this.values.get(name)
    const node = this.file.declared.get(name)
    if (!node) throw new Mistake(this.file.path, identifier, `${name} is not declared`)
    const value = this.declaration(node)
    this.values.set(name, value)
    return value
  }

  declaration(node) {
    if (node.type === 'variable_declaration') return this.expression(named(node).at(-1), {})
    const [, target, ...rest] = named(node)
    const make = node.type === 'module_declaration' ? this.module : this.resource
    const existing = node.children.some(child => child.text === 'existing')
    const body = rest.at(-1)
    if (body.type !== 'for_statement') return make.call(this, node, target, this.expression(body, {}), existing)
    return this.loop(body, {}, one => make.call(this, node, target, one, existing))
  }

  resource(node, target, body, existing) {
    const [type, version] = this.expression(target, {}).split('@')
    if (!version) throw new Mistake(this.file.path, target, 'a resource type is Provider/type@version')
    if (!existing) this.resources.push({ type, version, body, at: `${this.file.path}:${node.startPosition.row + 1}` })
    // what a resource becomes is Azure's to say, but for what was asked for
    return { name: body.name, id: unknown, properties: unknown, listKeys: () => unknown }
  }

  module(node, target, body) {
    const inner = Deployment.evaluate(join(dirname(this.file.path), this.expression(target, {})), body.params)
    this.resources.push(...inner.resources)
    return { name: body.name, outputs: inner.outputs, parameters: body.params }
  }

  loop(node, scope, then = value => value) {
    const names = []
    const collect = child => {
      if (child.type === 'identifier' || child.type === 'loop_variable' || child.type === 'loop_enumerator') names.push(child.text)
      else for (const grandchild of child.namedChildren) collect(grandchild)
    }
    const body = node.childForFieldName('body')
    const parts = named(node).filter(child => child.id !== body.id)
    for (const part of parts.slice(0, -1)) collect(part)
    const list = this.expression(parts.at(-1), scope)
    if (list === unknown) return unknown
    return list.map((item, index) => then(this.expression(body, { ...scope, [names[0]]: item, ...(names[1] && { [names[1]]: index }) })))
  }

  expression(node, scope) {
    const evaluate = this[`on_${node.type}`]
    if (!evaluate) throw new Mistake(this.file.path, node, `cannot evaluate ${node.type}: ${node.text.slice(0, 40)}`)
    return evaluate.call(this, node, scope)
  }

  on_identifier(node, scope) { return this.value(node, scope) }
  on_number(node) { return Number(node.text) }
  on_boolean(node) { return node.text === 'true' }
  on_null() { return null }
  on_parenthesized_expression(node, scope) { return this.expression(named(node)[0], scope) }
  on_for_statement(node, scope) { return this.loop(node, scope) }
  on_string(node, scope) {
    return node.namedChildren.map(part => part.type === 'interpolation' ? text(this.expression(named(part)[0], scope)) : part.text).join('')
  }
  on_array(node, scope) {
    const items = named(node)
    if (items.length === 1 && items[0].type === 'for_statement') return this.loop(items[0], scope)
    return items.map(item => this.expression(item, scope))
  }
  on_object(node, scope) {
    const object = {}
    for (const property of named(node)) {
      const [key, value] = named(property)
      const name = key.type === 'string' ? this.expression(key, scope) : key.text
      if (name in object) throw new Mistake(this.file.path, property, `${name} is given twice`)
      object[name] = this.expression(value, scope)
    }
    return object
  }
  on_ternary_expression(node, scope) {
    const condition = this.expression(node.childForFieldName('condition'), scope)
    // both are looked at, so that neither hides a mistake
    const both = ['consequence', 'alternative'].map(field => this.expression(node.childForFieldName(field), scope))
    return condition === unknown ? unknown : both[condition ? 0 : 1]
  }
  on_binary_expression(node, scope) {
    const operator = node.children.find(child => !child.isNamed).text
    const [left, right] = [node.childForFieldName('left'), node.childForFieldName('right')].map(side => this.expression(side, scope))
    if (operator === '??') return left ?? right
    if (!operators[operator]) throw new Mistake(this.file.path, node, `cannot evaluate ${operator}`)
    return known([left, right], operators[operator])
  }
  on_member_expression(node, scope) {
    const object = this.expression(node.childForFieldName('object'), scope)
    const name = node.childForFieldName('property').text
    if (object === unknown) return unknown
    if (!(name in object) && !node.text.includes('.?')) throw new Mistake(this.file.path, node, `there is no ${name} in ${node.childForFieldName('object').text}`)
    return object[name]
  }
  on_subscript_expression(node, scope) {
    const [object, index] = ['object', 'index'].map(field => this.expression(node.childForFieldName(field), scope))
    return known([object, index], (one, at) => one[at])
  }
  on_lambda_expression(node, scope) {
    const [parameter, body] = [named(node)[0], named(node).at(-1)]
    return item => this.expression(body, { ...scope, [parameter.text]: item })
  }
  on_call_expression(node, scope) {
    const called = node.childForFieldName('function')
    const values = named(node.childForFieldName('arguments')).map(one => this.expression(one, scope))
    if (called.type === 'member_expression') return unknown // a method of a resource, such as listKeys()
    if (!functions[called.text]) throw new Mistake(this.file.path, called, `there is no function ${called.text}`)
    return functions[called.text](...values)
  }
}
