//! The cloud that commands work with: AWS, or where infra was built without it, a word that it is missing.

#[cfg(feature = "aws")]
pub(super) use with_aws::{Provider, catalog, connect, kms_key, s3_store};
#[cfg(not(feature = "aws"))]
pub(super) use without_aws::{Provider, catalog, connect, kms_key, s3_store};

#[cfg(feature = "aws")]
mod with_aws {
    use std::sync::Arc;

    use crate::aws::{self, AwsCloud};
    use crate::catalog::Catalog;
    use crate::cli::error::CommandError;
    use crate::state::store::{KmsKey, MasterKey};
    use crate::state::{S3Place, S3Store, Store};

    /// The cloud there is.
    pub(in crate::cli) type Provider = AwsCloud;

    /// The resource types there are.
    pub(in crate::cli) fn catalog() -> Result<Catalog, CommandError> {
        Ok(aws::catalog())
    }

    /// AWS in `region`.
    pub(in crate::cli) async fn connect(region: &str) -> Result<AwsCloud, CommandError> {
        Ok(AwsCloud::connect(region).await)
    }

    /// The logs in a bucket.
    pub(in crate::cli) async fn s3_store(place: &str) -> Result<Arc<dyn Store>, CommandError> {
        match S3Place::parse(place) {
            Some(place) => Ok(Arc::new(S3Store::connect(place).await)),
            None => Err(CommandError::usage(format!("`{place}` is no place in S3"))),
        }
    }

    /// A key of AWS KMS.
    pub(in crate::cli) async fn kms_key(key: &str) -> Result<Arc<dyn MasterKey>, CommandError> {
        Ok(Arc::new(KmsKey::connect(key).await))
    }
}

#[cfg(not(feature = "aws"))]
mod without_aws {
    use std::sync::Arc;

    use crate::address::Id;
    use crate::catalog::{Catalog, TypeInfo};
    use crate::cli::error::CommandError;
    use crate::cloud::services::{Before, LogLine, LogsAsked, Managed, Services, Status};
    use crate::cloud::{Cloud, CloudError, Live, Lookup, Op};
    use crate::state::Store;
    use crate::state::store::MasterKey;
    use crate::value::Value;

    /// A cloud that there is none of.
    pub(in crate::cli) enum Provider {}

    fn missing() -> CommandError {
        CommandError::usage("this infra was built without AWS: it knows no resource types and can't reach a cloud")
            .hint("build it with the feature `aws`, which is on by default")
    }

    /// Says that there are no resource types.
    pub(in crate::cli) fn catalog() -> Result<Catalog, CommandError> {
        Err(missing())
    }

    /// Says that there is no cloud.
    pub(in crate::cli) async fn connect(_region: &str) -> Result<Provider, CommandError> {
        Err(missing())
    }

    /// Says that there is no S3.
    pub(in crate::cli) async fn s3_store(_place: &str) -> Result<Arc<dyn Store>, CommandError> {
        Err(missing())
    }

    /// Says that there is no KMS.
    pub(in crate::cli) async fn kms_key(_key: &str) -> Result<Arc<dyn MasterKey>, CommandError> {
        Err(missing())
    }

    impl Cloud for Provider {
        fn catalog(&self) -> &Catalog {
            match *self {}
        }

        async fn lookup(&self, _: &[Lookup]) -> Vec<Result<Value, CloudError>> {
            match *self {}
        }

        async fn read(&self, _: &TypeInfo, _: &[Id]) -> Result<Vec<Live>, CloudError> {
            match *self {}
        }

        async fn create(&self, _: &TypeInfo, _: &Op, _: &Value) -> Result<Id, CloudError> {
            match *self {}
        }

        async fn settle(&self, _: &TypeInfo, _: &Op, _: &Id, _: &Value) -> Result<(), CloudError> {
            match *self {}
        }

        async fn update(&self, _: &TypeInfo, _: &Op, _: &Id, _: &Value, _: &Value) -> Result<(), CloudError> {
            match *self {}
        }

        async fn delete(&self, _: &TypeInfo, _: &Op, _: &Id) -> Result<(), CloudError> {
            match *self {}
        }

        async fn find(&self, _: &TypeInfo, _: &Op, _: &Value) -> Result<Option<Id>, CloudError> {
            match *self {}
        }
    }

    impl Services for Provider {
        async fn under_way(&self, _: &Id) -> Result<Option<String>, CloudError> {
            match *self {}
        }

        async fn take_back(&self, _: &Op, _: &Id) -> Result<String, CloudError> {
            match *self {}
        }

        async fn served_before(&self, _: &Id) -> Result<Before, CloudError> {
            match *self {}
        }

        async fn status(&self, _: &[Managed]) -> Result<Status, CloudError> {
            match *self {}
        }

        async fn logs(&self, _: &Id, _: &LogsAsked) -> Result<Vec<LogLine>, CloudError> {
            match *self {}
        }
    }
}
