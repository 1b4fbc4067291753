# Needs Rust, Python 3 and git; everything else is installed under target/.

.PHONY: demo test sweep sweep-real bench docs

demo:  ## The main job: plan, apply, change and destroy the notification stack on a local AWS
	@scripts/demo

test:  ## All tests, and the engine's without the AWS SDK
	cargo test --workspace --no-fail-fast
	cargo test --package infra --no-default-features

# 100,000 took 9 minutes on two cores.
sweep: ## Random stacks, changes and faults, in process: SEEDS of them (100,000), or the one that SEED says
	SEEDS=$${SEEDS:-100000} cargo test --profile bench --package infra --no-default-features --test sweep -- --nocapture

sweep-real: ## Kills infra before and after every changing call of a stack's whole life on the local AWS; see docs/reliability.md
	STRIDE=1 LIVES=12 cargo test --workspace --test sweep_real -- --nocapture

bench: ## How the cost of plan and apply grows with the stack; see docs/performance.md
	cargo bench --package infra --no-default-features

docs:  ## Writes what is generated: docs/resources.md, docs/stack.schema.json, docs/commands.md and docs/plan-example.md
	INFRA_BLESS=1 cargo test --workspace --test generated_docs --test cli
	INFRA_BLESS=1 cargo test --workspace --test story plan_example
