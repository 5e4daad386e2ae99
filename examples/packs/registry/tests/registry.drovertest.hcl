run "defaults" {
  golden = "golden/defaults"

  assert {
    condition = job["pack-registry"].group.registry.task.registry.config.args[1] == "serve"
  }
  assert {
    condition = contains(job["pack-registry"].group.registry.task.registry.config.args, "-storage=/var/lib/drover-registry")
  }
}

run "private_on_one_node" {
  variables {
    private    = true
    node       = "store-1"
    public_url = "https://packs.example.org"
  }

  assert {
    condition = contains(job["pack-registry"].group.registry.task.registry.config.args, "-private")
  }
  assert {
    condition = job["pack-registry"].constraint[0].r_target == "store-1"
  }
}

run "relative_folder" {
  variables {
    storage = "registry"
  }
  expect_failures = [var.storage]
}
