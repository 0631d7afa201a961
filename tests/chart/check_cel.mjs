// Evaluates every CEL rule that the chart renders, over objects that keep and objects that break it.
// Usage: check_cel.mjs CEL_LIBRARY RENDERED_OBJECTS.json
//
// Each rule must compile for the type of its place, must be broken by some case, and no case may
// break a rule that it does not name. What an API server does besides (cost limits, types of members) is not covered.

import {readFileSync} from 'node:fs';

const [library, file] = process.argv.slice(2);
const {Environment} = await import(library);
const objects = JSON.parse(readFileSync(file, 'utf8'));
const problems = [];
const env = () => new Environment({unlistedVariablesAreDyn: true, enableOptionalTypes: true});

// ---- a value as the API server shows it to a rule ----

function typed(value, schema) {
  if (value === null || value === undefined || !schema) return value;
  if (schema.type === 'integer') return BigInt(value);
  if (schema.format === 'date-time') return new Date(value);
  if (schema.type === 'array') return value.map((item) => typed(item, schema.items));
  if (schema.type !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(
      ([name, member]) => [name, typed(member, schema.properties?.[name] ?? schema.additionalProperties)]));
}

const TYPES = {string: 'string', array: 'list', object: 'map', integer: 'int', boolean: 'bool'};

// All places of `schema` with rules, and the values that `value` has there.
function* places(schema, values, path) {
  if (schema['x-kubernetes-validations']) yield {schema, values, path};
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    yield* places(child, values.filter((v) => v[name] !== undefined).map((v) => v[name]), [...path, name]);
  }
  if (schema.items) yield* places(schema.items, values.flat(), [...path, '[]']);
}

const used = new Map();  // rule -> whether a case has broken it

// The messages of the rules that `object` breaks.
function broken(crd, object) {
  const schema = crd.spec.versions[0].schema.openAPIV3Schema;
  const messages = [];
  for (const place of places(schema, [object], [])) {
    for (const {rule, message} of place.schema['x-kubernetes-validations']) {
      const name = `${crd.metadata.name} ${place.path.join('.')}: ${message}`;
      if (!used.has(name)) used.set(name, false);
      const compiled = new Environment().registerVariable('self', TYPES[place.schema.type]).parse(rule);
      const checked = compiled.check();
      if (!checked.valid) problems.push(`${name}: ${checked.error?.message}`);
      else if (!['bool', 'dyn'].includes(checked.type)) problems.push(`${name}: is ${checked.type}, not bool`);
      for (const value of place.values) {
        let kept = false;
        try {
          kept = compiled({self: typed(value, place.schema)});
        } catch (error) {
          kept = false;  // as an API server has it: a rule that fails is not kept
        }
        if (kept === true) continue;
        used.set(name, true);
        messages.push(message);
      }
    }
  }
  return messages;
}

// ---- cases ----

const DIGEST = 'ab'.repeat(32);
const expression = (operator, values) => ({matchExpressions: [{key: 'a', operator, ...(values && {values})}]});
const SELECTOR_MESSAGE = 'values are required with In and NotIn, and must be left out with Exists and DoesNotExist';
const EXACT_MESSAGE = 'each of exact must have values for every bank in banks, and for no other';

const GOOD = {
  'attestationpolicies.avouch.dev': {
    nodeSelector: expression('In', ['b']),
    workloads: {namespaceSelector: expression('Exists'), podSelector: expression('NotIn', ['b'])},
    freshness: {maxAge: '5m'},
    endorsement: {trustBundles: [{configMap: {namespace: 'n', name: 'm'}}], enrollment: 'TrustOnFirstUse'},
    pcrs: {banks: ['sha1', 'sha256'], exact: [{index: 7, sha1: ['ab'.repeat(20)], sha256: [DIGEST]}]},
  },
  'referencemanifests.avouch.dev': {
    notBefore: '2026-01-01T00:00:00Z',
    notAfter: '2026-01-01T00:00:01Z',
    bootComponents: [{name: 'shim', authenticode: DIGEST}, {name: 'grub', digest: DIGEST}],
    ima: {source: {configMap: {namespace: 'n', name: 'm'}}},
  },
  'attestationevidences.avouch.dev': {
    nodeUID: 'u',
    identity: {ekPublic: 'AAAA', akPublic: 'AAAA'},
    quote: {message: 'AAAA', signature: 'AAAA', beacon: {origin: 'o', size: 1}},
    pcrs: [{bank: 'sha256', index: 0, digest: DIGEST}],
  },
};

const POLICY = 'attestationpolicies.avouch.dev';
const MANIFEST = 'referencemanifests.avouch.dev';
const EVIDENCE = 'attestationevidences.avouch.dev';
const AGE_MESSAGE = 'must be from 10s to 24h';

// [kind, what, change of the good spec, messages]
const CASES = [
  [POLICY, 'a maxAge of 9.999 s', (s) => { s.freshness.maxAge = '9999ms'; }, [AGE_MESSAGE]],
  [POLICY, 'a maxAge of 10 s', (s) => { s.freshness.maxAge = '10s'; }, []],
  [POLICY, 'a maxAge of 24 h', (s) => { s.freshness.maxAge = '24h'; }, []],
  [POLICY, 'a maxAge over 24 h', (s) => { s.freshness.maxAge = '24h1ms'; }, [AGE_MESSAGE]],
  [POLICY, 'a maxAge of h, m and s', (s) => { s.freshness.maxAge = '1h30m5s'; }, []],
  // The webhook's to refuse.
  [POLICY, 'a maxAge that is none', (s) => { s.freshness.maxAge = 'soon'; }, []],
  [POLICY, 'a maxAge without unit', (s) => { s.freshness.maxAge = '300'; }, []],
  [POLICY, 'a maxAge without anything', (s) => { s.freshness.maxAge = ''; }, []],
  [POLICY, 'Inventory without one', (s) => { s.endorsement.enrollment = 'Inventory'; },
    ['inventory is required with enrollment Inventory']],
  [POLICY, 'Inventory with one',
    (s) => { Object.assign(s.endorsement, {enrollment: 'Inventory', inventory: {configMap: {namespace: 'n', name: 'i'}}}); }, []],
  [POLICY, 'an inventory that has no effect', (s) => { s.endorsement.inventory = {configMap: {namespace: 'n', name: 'i'}}; },
    ['inventory has no effect with enrollment TrustOnFirstUse; remove it, or set enrollment to Inventory']],
  [POLICY, 'SHA-1 alone', (s) => { s.pcrs = {banks: ['sha1'], exact: [{index: 7, sha1: ['ab'.repeat(20)]}]}; },
    ['banks needs sha256, sha384 or sha512']],
  [POLICY, 'no exact values', (s) => { delete s.pcrs.exact; }, []],
  ...['sha1', 'sha256'].map(
      (bank) => [POLICY, `no value for ${bank}`, (s) => { delete s.pcrs.exact[0][bank]; }, [EXACT_MESSAGE]]),
  ...['sha384', 'sha512'].map(
      (bank) => [POLICY, `a value for ${bank}`, (s) => { s.pcrs.exact[0][bank] = [DIGEST]; }, [EXACT_MESSAGE]]),
  [POLICY, 'the second of exact without a value', (s) => { s.pcrs.exact.push({index: 8, sha256: [DIGEST]}); }, [EXACT_MESSAGE]],
  ...[['nodeSelector', (s, x) => { s.nodeSelector = x; }],
    ['namespaceSelector', (s, x) => { s.workloads.namespaceSelector = x; }],
    ['podSelector', (s, x) => { s.workloads.podSelector = x; }]].flatMap(([name, set]) => [
    ...['In', 'NotIn'].flatMap((operator) => [
      [POLICY, `${name}: ${operator} without values`, (s) => set(s, expression(operator)), [SELECTOR_MESSAGE]],
      [POLICY, `${name}: ${operator} with no value`, (s) => set(s, expression(operator, [])), [SELECTOR_MESSAGE]],
      [POLICY, `${name}: ${operator} with a value`, (s) => set(s, expression(operator, ['b'])), []],
    ]),
    ...['Exists', 'DoesNotExist'].flatMap((operator) => [
      [POLICY, `${name}: ${operator} with a value`, (s) => set(s, expression(operator, ['b'])), [SELECTOR_MESSAGE]],
      [POLICY, `${name}: ${operator} with no value`, (s) => set(s, expression(operator, [])), []],
      [POLICY, `${name}: ${operator} without values`, (s) => set(s, expression(operator)), []],
    ]),
    [POLICY, `${name}: everything`, (s) => set(s, {}), []],
  ]),
  [MANIFEST, 'one that says nothing', (s) => { delete s.bootComponents; delete s.ima; },
    ['says nothing: expected bootComponents, secureBootCertificates, ima or revoked']],
  ...['bootComponents', 'ima'].map((name) => [MANIFEST, `one without ${name}`, (s) => { delete s[name]; }, []]),
  [MANIFEST, 'revocations alone', (s) => { delete s.bootComponents; delete s.ima; s.revoked = [DIGEST]; }, []],
  [MANIFEST, 'certificates alone', (s) => { delete s.bootComponents; delete s.ima; s.secureBootCertificates = [DIGEST]; }, []],
  [MANIFEST, 'an end at its beginning', (s) => { s.notAfter = s.notBefore; }, ['notAfter must be after notBefore']],
  [MANIFEST, 'an end before its beginning', (s) => { s.notAfter = '2025-12-31T23:59:59Z'; }, ['notAfter must be after notBefore']],
  // Later as a text, but not as a time.
  [MANIFEST, 'an end before its beginning, by time zone', (s) => { s.notAfter = '2026-01-01T00:30:00+01:00'; },
    ['notAfter must be after notBefore']],
  [MANIFEST, 'no beginning', (s) => { delete s.notBefore; }, []],
  [MANIFEST, 'no end', (s) => { delete s.notAfter; }, []],
  [MANIFEST, 'a component without digest', (s) => { s.bootComponents.push({name: 'x'}); }, ['expected authenticode or digest']],
  [MANIFEST, 'an ima that says nothing', (s) => { s.ima = {}; }, ['says nothing: expected digests, source or signers']],
  [MANIFEST, 'an ima with digests', (s) => { s.ima = {digests: [DIGEST]}; }, []],
  [MANIFEST, 'an ima with signers', (s) => { s.ima = {signers: ['AAAA']}; }, []],
  [MANIFEST, 'a source of nothing', (s) => { s.ima.source = {}; }, ['expected exactly one of configMap and blob']],
  [MANIFEST, 'a source of two', (s) => { s.ima.source.blob = DIGEST; }, ['expected exactly one of configMap and blob']],
  [MANIFEST, 'a source of a blob', (s) => { s.ima.source = {blob: DIGEST}; }, []],
  [EVIDENCE, 'a quote without PCRs', (s) => { delete s.pcrs; }, ['quote and pcrs come together']],
  [EVIDENCE, 'PCRs without a quote', (s) => { delete s.quote; }, ['quote and pcrs come together']],
  [EVIDENCE, 'neither', (s) => { delete s.quote; delete s.pcrs; }, []],
];

let count = 0;
for (const crd of objects.filter((o) => o.kind === 'CustomResourceDefinition')) {
  const name = crd.metadata.name;
  for (const [kind, what, change, expected] of [[name, 'the good one', () => {}, []], ...CASES]) {
    if (kind !== name) continue;
    const spec = structuredClone(GOOD[name]);
    change(spec);
    const got = broken(crd, {spec});
    ++count;
    if (JSON.stringify(got) !== JSON.stringify(expected)) {
      problems.push(`${name}: ${what}: breaks ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
    }
  }
}
for (const [name, seen] of used) {
  if (!seen) problems.push(`${name}: no case breaks it`);
}

// ---- the own-node rule ----

const NODE = 'authentication.kubernetes.io/node-name';

// "passed by" where it is not for the caller, else whether it lets him.
function own_node(policy, username, extra, object, oldObject) {
  const request = {userInfo: {username, extra}};
  const {matchConditions, variables, validations} = policy.spec;
  if (!(matchConditions ?? []).every(({expression: e}) => env().evaluate(e, {request}) === true)) return 'passed by';
  const values = {};
  const known = {request, object, oldObject, variables: values};
  for (const {name, expression: e} of variables ?? []) values[name] = env().evaluate(e, known);
  for (const {expression: e, message, messageExpression} of validations) {
    if (env().evaluate(e, known) === true) continue;
    return 'denied: ' + (messageExpression ? env().evaluate(messageExpression, known) : message);
  }
  return 'let in';
}

const policies = objects.filter((o) => o.kind === 'ValidatingAdmissionPolicy');
const isGuard = (policy) => policy.metadata.name.endsWith('.static.k8s.io');
const isOwnPods = (policy) => policy.metadata.name.endsWith('-own-pods');
if (policies.length !== 3 || policies.filter(isGuard).length !== 1 || policies.filter(isOwnPods).length !== 1) {
  problems.push(`${policies.length} ValidatingAdmissionPolicies, expected the own-node rule, that of own pods, and the static guard`);
}
for (const policy of policies.filter((p) => !isGuard(p) && !isOwnPods(p))) {
  const agent = 'system:serviceaccount:avouch-system:avouch-agent';
  const denial = (of) => `denied: an agent may write only the evidence of its own node: its token is of node "${of}", the object of node "n1"`;
  const object = {metadata: {name: 'n1'}};
  const with_meta = (meta) => ({metadata: {name: 'n1', ...meta}});
  const own = {[NODE]: ['n1']};
  const owners = [{kind: 'Node', name: 'n1', uid: 'u'}];
  const kept = 'denied: ownerReferences and finalizers are not for an agent to change: they decide when its enrolment ends';
  const rows = [
    ['its own', agent, {[NODE]: ['n1']}, 'let in'],
    ['another node\'s', agent, {[NODE]: ['n2']}, denial('n2')],
    ['with a token of no node', agent, {'authentication.kubernetes.io/pod-name': ['n1']}, denial('')],
    ['with an empty node', agent, {[NODE]: ['']}, denial('')],
    ['not an agent', 'admin', {}, 'passed by'],
    ['its own, as it was', agent, own, 'let in', with_meta({ownerReferences: owners}), with_meta({ownerReferences: owners})],
    ['its own, with a first owner', agent, own, kept, with_meta({ownerReferences: owners}), object],
    ['its own, made with an owner', agent, own, kept, with_meta({ownerReferences: owners})],
    ['its own, with its owner gone', agent, own, kept, object, with_meta({ownerReferences: owners})],
    ['its own, with another owner', agent, own, kept, with_meta({ownerReferences: [{...owners[0], uid: 'v'}]}),
      with_meta({ownerReferences: owners})],
    ['its own, with a finalizer', agent, own, kept, with_meta({finalizers: ['a/b']}), object],
    ['its own, made with a finalizer', agent, own, kept, with_meta({finalizers: ['a/b']})],
    ['its own, with its finalizer gone', agent, own, kept, object, with_meta({finalizers: ['a/b']})],
    ['an agent of another release', 'system:serviceaccount:other:avouch-agent', {[NODE]: ['n2']}, 'passed by'],
  ];
  for (const [what, username, extra, expected, now = object, before = null] of rows) {
    const got = own_node(policy, username, extra, now, before);
    ++count;
    if (got !== expected) problems.push(`${policy.metadata.name}: ${what}: ${got}, expected ${expected}`);
  }
}

// ---- the rule of the release's own pods ----

for (const policy of policies.filter(isOwnPods)) {
  const denied = 'denied: a pod that has the labels of the release\'s own is an endpoint of its Services: the scheduler chooses its ' +
      'node, not the pod ("n2"), as a static pod does';
  for (const [what, spec, expected] of [
    ['that waits for a node', {containers: []}, 'let in'],
    ['without a node\'s name', {nodeName: ''}, 'let in'],
    ['of a kubelet\'s', {nodeName: 'n2'}, denied],
  ]) {
    const got = own_node(policy, 'system:node:n2', {}, {metadata: {name: 'p'}, spec}, null);
    ++count;
    if (got !== expected) problems.push(`${policy.metadata.name}: ${what}: ${got}, expected ${expected}`);
  }
}

// ---- the guard of the webhook configuration ----

for (const policy of policies.filter(isGuard)) {
  const denial = (name, who) => `denied: "${name}" keeps pods off nodes that cannot vouch for themselves: "${who}" is none of ` +
      'those who may change or delete it, who are named in a file beside the API server';
  const hooks = 'system:serviceaccount:avouch-system:avouch-hooks';
  const rows = [
    ['avouch', 'admin', ['system:masters'], denial('avouch', 'admin')],
    ['avouch-own-node', 'admin', ['system:masters'], denial('avouch-own-node', 'admin')],
    ['avouch-own-pods', 'admin', ['system:masters'], denial('avouch-own-pods', 'admin')],
    ['avouch', 'nobody', undefined, denial('avouch', 'nobody')],
    ['another', 'admin', ['system:masters'], 'passed by'],
    ['avouch', 'system:serviceaccount:avouch-system:avouch-controller', [], 'let in'],
    ['avouch', hooks, ['system:serviceaccounts'], 'let in'],
    ['avouch', 'system:serviceaccount:other:avouch-hooks', [], denial('avouch', 'system:serviceaccount:other:avouch-hooks')],
    ['avouch', 'alice', [], 'let in'],
    ['avouch', 'bob', ['staff', 'security'], 'let in'],
  ];
  for (const [name, username, groups, expected] of rows) {
    const oldObject = {metadata: {name}};
    const request = {userInfo: groups === undefined ? {username} : {username, groups}};
    const known = {request, oldObject, object: null};
    const {matchConditions, validations: [{expression, messageExpression}]} = policy.spec;
    let got = 'passed by';
    if (matchConditions.every(({expression: e}) => env().evaluate(e, known) === true)) {
      got = env().evaluate(expression, known) === true ? 'let in' : 'denied: ' + env().evaluate(messageExpression, known);
    }
    ++count;
    if (got !== expected) problems.push(`${policy.metadata.name}: ${name} by ${username}: ${got}, expected ${expected}`);
  }
}

for (const problem of problems) console.error(problem);
console.log(`${used.size} rules of definitions, ${policies.length} admission policies, ${count} cases`);
process.exit(problems.length || !used.size ? 1 : 0);
