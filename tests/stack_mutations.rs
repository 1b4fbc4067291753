//! Whatever is done to a stack's text, reading it ends with a graph or with diagnostics, never with a panic.

use std::collections::BTreeMap;

use infra::cloud::fake::catalog::catalog;
use infra::diagnostic::render;
use infra::stack::{Answers, Options, load};

const SEED: &str = r#"
stack: seed
region: eu-1
parameters:
  count: { type: integer, default: 2, minimum: 1 }
  name: { type: string, default: "ä-x", pattern: "[^/]+" }
locals: &locals
  prefix: ${params.name + "-" + string(params.count)}
  list: [1, &two "two", *two]
tags: { app: "${local.prefix}", note: 'it''s' }
existing:
  Shared: { type: Test::Net::Vpc, id: vpc-1 }
resources:
  Vpc:
    type: Test::Net::Vpc
    properties: { CidrBlock: 10.0.0.0/16 }
  Subnet:
    type: Test::Net::Subnet
    for_each: ${range(params.count)}
    when: ${each.index < 5 && has(params.name)}
    properties:
      VpcId: ${Vpc.VpcId}
      CidrBlock: ${cidr_subnet(Vpc.CidrBlock, 8, each.index)}
  Role:
    type: Test::App::Role
    depends_on: [Vpc, "Subnet[\"0\"]"]
    lifecycle: { ignore: [Description], replace_on: [Vpc] }
    properties:
      Description: |
        many lines ${local.prefix}
        $${literal} ${values(Subnet).map(s, s.SubnetId)[0]}
      AssumeRolePolicyDocument: { A: [1, { B: "${json({'a': [1, 2.5, null]})}" }] }
moved: [{ from: Old, to: Vpc }]
outputs:
  first: { value: "${Subnet['0'].SubnetId}", description: the first }
"#;

/// Pieces that mean something, put where they mean nothing.
const PIECES: &[&str] = &[
    "${",
    "}",
    "$${",
    "{",
    "[",
    "]",
    ":",
    ": ",
    "- ",
    "\n",
    "\n  ",
    "\t",
    "'",
    "\"",
    "*a",
    "&a ",
    "!Ref ",
    "|",
    ">",
    "#",
    "? ",
    "<<: ",
    "null",
    "~",
    "-1",
    "9223372036854775808",
    "1e999",
    "0x",
    "\u{0}",
    "\u{feff}",
    "ü",
    "…",
    "---\n",
    "...\n",
    "each.key",
    "local.prefix",
    "Subnet",
    "params",
    "(",
    ")",
    "?",
    "&&",
    "r'",
    "'''",
    "\\",
    "%TAG ! x\n",
    "@",
    "`",
];

/// A small generator of the same numbers for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    fn boundary(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }
}

fn mutate(random: &mut Random) -> String {
    let mut text = SEED.to_owned();
    for _ in 0..=random.below(4) {
        let (a, b) = (random.boundary(&text), random.boundary(&text));
        let (from, to) = (a.min(b), a.max(b).min(a.min(b) + 40));
        let to = (to..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        match random.below(4) {
            0 => text.replace_range(from..to, ""),
            1 => text.insert_str(from, PIECES[random.below(PIECES.len())]),
            2 => text.replace_range(from..to, PIECES[random.below(PIECES.len())]),
            _ => {
                let copy = text[from..to].to_owned();
                let at = random.boundary(&text);
                text.insert_str(at, &copy);
            }
        }
    }
    text
}

#[test]
fn no_mutation_of_a_stack_panics() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stack.yaml");
    let options = Options { variables: BTreeMap::new(), ..Options::default() };
    let (mut accepted, mut refused) = (0, 0);
    std::fs::write(&file, SEED).unwrap();
    if let Err(mistakes) = load(&file, &options, &catalog()) {
        panic!("the seed itself is refused:\n{}", render(&mistakes, false));
    }
    for seed in 0..400 {
        let text = mutate(&mut Random(seed));
        std::fs::write(&file, &text).unwrap();
        match load(&file, &options, &catalog()) {
            // What can't be looked up without a cloud is as far as this goes.
            Ok(checked) => {
                accepted += 1;
                let _ = checked.graph(&Answers::new());
            }
            Err(mistakes) => {
                refused += 1;
                let shown = render(&mistakes, false);
                assert!(!shown.contains("reading the stack failed"), "seed {seed} panicked:\n{text}");
                assert!(!mistakes.is_empty() && !shown.is_empty(), "seed {seed}:\n{text}");
            }
        }
    }
    assert!(accepted > 0 && refused > 100, "{accepted} accepted, {refused} refused");
}
