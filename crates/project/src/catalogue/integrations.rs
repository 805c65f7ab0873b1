//! Services of other people.

use super::{Group, Kind, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[Group { title: "Integrations", settings: INTEGRATIONS }];

const INTEGRATIONS: &[Setting] = &[
    Setting::new("STRIPE_API_KEY", Kind::Secret(Strength::External), "Stripe key"),
    Setting::new("STRIPE_WEBHOOK_SECRET", Kind::Secret(Strength::External), "Stripe webhook secret"),
    Setting::new("STRIPE_SYNC_INTERVAL", Kind::Duration, "Time between two synchronisations with Stripe")
        .default("3600"),
    Setting::new("GITHUB_TOKEN", Kind::Secret(Strength::External), "GitHub token"),
    Setting::new("GITHUB_WEBHOOK_SECRET", Kind::Secret(Strength::External), "GitHub webhook secret"),
    Setting::new("GITHUB_ORG", Kind::Text, "GitHub organisation"),
    Setting::new("GITHUB_REPOS", Kind::List, "GitHub repositories"),
    Setting::new("SHOPIFY_STORE", Kind::Text, "Shopify store"),
    Setting::new("SHOPIFY_ACCESS_TOKEN", Kind::Secret(Strength::External), "Shopify token"),
    Setting::new("SHOPIFY_API_VERSION", Kind::Text, "Version of Shopify's API").default("2024-01"),
    Setting::new("SHOPIFY_WEBHOOK_SECRET", Kind::Secret(Strength::External), "Shopify webhook secret"),
    Setting::new("OPENAI_API_KEY", Kind::Secret(Strength::External), "OpenAI key"),
    Setting::new("ANTHROPIC_API_KEY", Kind::Secret(Strength::External), "Anthropic key"),
];
