//! Time as AWS takes it: how long things stay pending, scaled.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The largest share of AWS's times: beyond it nothing would ever be ready.
const LARGEST_SCALE: f64 = 1000.0;

/// What takes its time, and how long on AWS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Wait {
    /// A VPC is `pending`.
    VpcCreated,
    /// A NAT gateway is `pending`.
    NatGatewayCreated,
    /// A NAT gateway is `deleting`, and still holds its address.
    NatGatewayDeleted,
    /// A VPC endpoint is `pending`.
    VpcEndpointCreated,
    /// A VPC endpoint is `deleting`, and its network interfaces are still there.
    VpcEndpointDeleted,
    /// A load balancer is `provisioning`.
    LoadBalancerCreated,
    /// A deleted load balancer is not listed any more, but its network interfaces are still there.
    LoadBalancerDeleted,
    /// A deleted queue's name cannot be given again.
    QueueDeleted,
    /// A Cloud Map operation is `PENDING`.
    CloudMapOperation,
}

impl Wait {
    /// Returns how long it takes on AWS; the queue's is AWS's rule, the others are what is usual.
    fn on_aws(self) -> Duration {
        let seconds = match self {
            Self::VpcCreated => 1,
            Self::NatGatewayCreated => 90,
            Self::NatGatewayDeleted => 60,
            Self::VpcEndpointCreated => 45,
            Self::VpcEndpointDeleted => 60,
            Self::LoadBalancerCreated => 120,
            Self::LoadBalancerDeleted => 30,
            Self::QueueDeleted => 60,
            Self::CloudMapOperation => 10,
        };
        Duration::from_secs(seconds)
    }
}

/// The share of AWS's times that passes here, which may change at any moment.
#[derive(Debug, Clone)]
pub(crate) struct TimeScale(watch::Receiver<f64>);

impl TimeScale {
    /// Makes one that stays as it is.
    #[cfg(test)]
    pub(crate) fn fixed(share: f64) -> Self {
        Self(watch::Sender::new(share).subscribe())
    }

    /// Returns the share as it is now.
    pub(crate) fn share(&self) -> f64 {
        *self.0.borrow()
    }

    /// Waits until it has changed.
    pub(crate) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody can change it any more.
            std::future::pending::<()>().await;
        }
    }

    /// Lets `time` of AWS's pass; a change of the scale counts for what is left of it.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let mut left = time;
        loop {
            let (begun, share) = (tokio::time::Instant::now(), *self.0.borrow_and_update());
            tokio::select! {
                () = tokio::time::sleep(left.mul_f64(share)) => return,
                () = self.changed() => {}
            }
            let passed = Duration::try_from_secs_f64(begun.elapsed().as_secs_f64() / share).unwrap_or(left);
            left = left.saturating_sub(passed);
        }
    }
}

/// When each wait began.
#[derive(Debug)]
pub(crate) struct Clock {
    scale: watch::Sender<f64>,
    begun: HashMap<(String, Wait), Instant>,
}

impl Clock {
    pub(crate) fn new(scale: f64) -> Self {
        let mut clock = Self { scale: watch::Sender::new(0.0), begun: HashMap::new() };
        clock.set_scale(scale);
        clock
    }

    /// Returns the share of AWS's times that passes here.
    pub(crate) fn scale(&self) -> f64 {
        *self.scale.borrow()
    }

    /// Returns that share for whoever must know when it changes.
    pub(crate) fn time_scale(&self) -> TimeScale {
        TimeScale(self.scale.subscribe())
    }

    /// Changes that share, for what is under way too; what is no share becomes the nearest one.
    pub(crate) fn set_scale(&mut self, scale: f64) {
        self.scale.send_replace(if scale.is_nan() { 0.0 } else { scale.clamp(0.0, LARGEST_SCALE) });
    }

    /// Lets `wait` begin now for the thing `id`.
    pub(crate) fn begin(&mut self, id: &str, wait: Wait) {
        self.begun.insert((id.into(), wait), Instant::now());
    }

    /// Says whether `id` is still at it.
    pub(crate) fn waits(&self, id: &str, wait: Wait) -> bool {
        let begun = self.begun.get(&(id.to_owned(), wait));
        begun.is_some_and(|begun| begun.elapsed() < wait.on_aws().mul_f64(self.scale()))
    }

    /// Forgets everything that is under way.
    pub(crate) fn clear(&mut self) {
        self.begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_lasts_its_scaled_time() {
        let mut clock = Clock::new(1.0);
        clock.begin("nat-1", Wait::NatGatewayCreated);
        assert!(clock.waits("nat-1", Wait::NatGatewayCreated));
        assert!(!clock.waits("nat-1", Wait::NatGatewayDeleted));
        assert!(!clock.waits("nat-2", Wait::NatGatewayCreated));
        clock.set_scale(0.0);
        assert!(!clock.waits("nat-1", Wait::NatGatewayCreated));
        for (scale, taken) in [(f64::NAN, 0.0), (-1.0, 0.0), (f64::INFINITY, LARGEST_SCALE)] {
            clock.set_scale(scale);
            assert!((clock.scale() - taken).abs() < f64::EPSILON);
            clock.waits("nat-1", Wait::NatGatewayCreated);
        }
    }
}
